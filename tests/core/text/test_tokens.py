"""The token estimate against counts of a real tokenizer, and what holds for any text."""

# ruff: noqa: RUF001 (the samples are in the scripts they are meant to be in)

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assisters_rerank.text.tokens import estimate_tokens

# Each with the number of tokens, special tokens aside, that XLM-RoBERTa's tokenizer makes of it:
# SentencePiece unigram, 250,002 pieces, run with `tokenizers` 0.23.3.
SAMPLES = [
    pytest.param(
        "The town council voted on Tuesday to keep the old swimming hall open for another "
        "year, although nobody seems to know who will pay for the new roof. More than two "
        "hundred people had come to the meeting, some of them with wet hair and a towel "
        "under one arm, and the mayor needed a quarter of an hour before everyone had found "
        'a chair. "We learned to swim here, and so did our children," said a retired postman '
        "in the second row. The cheapest offer for the repairs stands at 1.4 million euros, "
        "which is about as much as the town spends on its schools in six months. A group of "
        "engineers from the nearby university now wants to find out whether a lighter "
        "construction of wood and steel would do; their report is expected in March. Until "
        "then, the hall stays closed on days with heavy snow.",
        180,
        id="english-news",
    ),
    pytest.param(
        "Background: Chronic inflammation of the airways is associated with an increased "
        "risk of cardiovascular events, but the contribution of systemic corticosteroids "
        "remains unclear. Methods: We followed 1,284 adults (mean age 57.3 years; 48% women) "
        "with moderate to severe asthma for a median of 6.2 years. Exposure was defined as "
        "the cumulative dose of prednisolone during the preceding twelve months. Results: "
        "Compared with no exposure, a cumulative dose above 500 mg was associated with a "
        "higher incidence of myocardial infarction (hazard ratio 1.41, 95% CI 1.12-1.78), "
        "after adjustment for smoking, hypertension and diabetes. No association was found "
        "for inhaled corticosteroids. Conclusions: Repeated short courses of oral "
        "corticosteroids may not be as harmless as is often assumed, and steroid-sparing "
        "treatment deserves to be studied in randomised trials.",
        210,
        id="english-abstract",
    ),
    pytest.param(
        "Als die Bibliothekarin am Montagmorgen die schwere Eingangstür aufschloss, lag auf "
        "der Treppe ein Paket, das niemand bestellt hatte. Es war in braunes Packpapier "
        "gewickelt und mit einer Schnur verknotet, wie man sie früher für "
        "Weihnachtsgeschenke benutzte. Ein Absender fehlte, nur die Anschrift stand in "
        "sorgfältiger Handschrift darauf. Im Inneren fand sie elf Bücher, die seit über "
        "vierzig Jahren als vermisst galten, dazu einen Zettel: „Bitte entschuldigen Sie die "
        "Verspätung. Mein Vater konnte sich nicht trennen, und ich wusste lange nicht, wohin "
        "damit.“ Die Mahngebühren hätten sich nach heutiger Gebührenordnung auf rund 16.000 "
        "Euro belaufen; die Stadtverwaltung verzichtete darauf und lud die unbekannte "
        "Familie stattdessen zu einer Führung durch das renovierte Magazin ein. Gemeldet hat "
        "sich bisher niemand.",
        190,
        id="german",
    ),
    pytest.param(
        "Vor der ersten Inbetriebnahme ist zu prüfen, ob die Versorgungsspannung mit der "
        "Angabe auf dem Typenschild übereinstimmt. Schließen Sie das Netzteil erst an, "
        "nachdem alle Sensorleitungen verlegt und die Schutzabdeckung montiert sind. Nach "
        "dem Einschalten führt die Steuerung einen Selbsttest durch, der etwa dreißig "
        "Sekunden dauert; währenddessen blinkt die gelbe Leuchtdiode. Bleibt sie dauerhaft "
        "an, liegt ein Konfigurationsfehler vor, und die Fehlernummer lässt sich über die "
        "Weboberfläche unter „Diagnose“ abrufen. Die Temperaturmessung wird werkseitig "
        "kalibriert und braucht nur alle zwei Jahre überprüft zu werden. Bei Betrieb in "
        "staubiger Umgebung sollte der Luftfilter monatlich gereinigt werden, weil sich "
        "sonst die Lebensdauer des Lüfters deutlich verringert.",
        178,
        id="german-technical",
    ),
    pytest.param(
        "去年秋天，我和妹妹坐了一夜的火车，去南方的小镇看望外婆。她已经八十多岁了，还是每天早上五"
        "点起床，先给院子里的花浇水，再到河边的市场买菜。镇上的年轻人大多去了城里工作，街道比我小"
        "时候安静了许多，只有那家老茶馆还像从前一样热闹。外婆说，她不习惯用手机，但是喜欢听我们在"
        "电话里讲学校的事情。临走的那天下着小雨，她把一大包自己做的点心塞进我的书包，站在门口一直"
        "看着我们走远。火车开动以后，妹妹忽然问我，明年春天还能不能再来。我点了点头，心里却觉得时"
        "间过得太快，很多话都还没有来得及说。",
        171,
        id="chinese",
    ),
    pytest.param(
        "本系统采用分布式架构，由数据采集、索引构建和在线检索三个模块组成。用户提交查询之后，服务"
        "器首先从倒排索引中召回一百篇候选文档，然后使用重排序模型计算每篇文档与查询之间的相关性得"
        "分，最后按照得分从高到低返回结果。为了降低延迟，我们对模型进行了量化，并且把常用查询的结"
        "果保存在缓存中。实验表明，在保持准确率基本不变的情况下，平均响应时间从 320 毫秒下降"
        "到 85 毫秒。需要注意的是，如果文档长度超过 512 个词元，超出的部分会被截断，因此"
        "建议事先对长文档进行切分。",
        154,
        id="chinese-technical",
    ),
    pytest.param(
        "駅前の商店街に、小さな傘の修理屋がある。店主の佐藤さんは七十二歳で、父親から店を継いで四"
        "十年になるという。最近は安い傘がどこでも買えるため、修理を頼む人はめっきり減ってしまった"
        "。それでも、祖母の形見だという古い日傘を大切そうに抱えて、遠くの町から訪ねてくる客もいる"
        "。「直せるものは、できるだけ直して使ってほしいんです」と佐藤さんは笑う。雨の日の夕方、店"
        "の明かりがぼんやりと通りを照らしているのを見ると、なぜか少し安心する。来年の春には、近く"
        "の大学を卒業した孫娘が仕事を手伝うことになっている。彼女はインターネットで注文を受け付け"
        "る仕組みを考えているそうだ。",
        164,
        id="japanese",
    ),
    pytest.param(
        "海の深さが二百メートルを超えると、太陽の光はほとんど届かなくなる。そこに住む生き物の多く"
        "は、自分の体で光を作り出すことができる。光は仲間に合図を送ったり、獲物をおびき寄せたり、"
        "敵の目をくらませたりするために使われると考えられている。研究チームは昨年、小型の無人探査"
        "機を使って水深千五百メートルの海底を調査し、これまで知られていなかったクラゲを三種類発見"
        "した。そのうちの一種は、触れられると青い光の粒を周囲にまき散らして逃げるという。ただし、"
        "深海の水温や圧力を水槽で再現することは難しく、くわしい生態はまだ分かっていない。",
        155,
        id="japanese-science",
    ),
    pytest.param(
        '''\
class RollingMean:
    """The mean of the last `size` values seen."""

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"size must be at least 1, not {size}")
        self._values: deque[float] = deque(maxlen=size)
        self._total = 0.0

    def add(self, value: float) -> float:
        if len(self._values) == self._values.maxlen:
            self._total -= self._values[0]
        self._values.append(value)
        self._total += value
        return self._total / len(self._values)


def read_prices(path: Path) -> Iterator[tuple[str, float]]:
    with path.open(newline="", encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file), start=1):
            try:
                yield row["symbol"].strip(), float(row["close"])
            except (KeyError, ValueError) as error:
                logger.warning("line %d skipped: %s", number, error)
''',
        301,
        id="python",
    ),
    pytest.param(
        """\
// --------------------------------------------------------------------
// Shows a message for a while, then takes it away again.
// --------------------------------------------------------------------
export function showToast(message, { duration = 4000, kind = "info" } = {}) {
  const toast = document.createElement("div");
  toast.className = `toast toast-${kind}`;
  toast.textContent = message;
  document.body.appendChild(toast);
  const timer = setTimeout(() => toast.remove(), duration);
  toast.addEventListener("click", () => {
    clearTimeout(timer);
    toast.remove();
  });
  return toast;
}

const saved = JSON.parse(localStorage.getItem("settings") ?? "{}");
for (const [key, value] of Object.entries(saved)) {
  if (!(key in defaults)) continue;
  settings[key] = typeof value === "string" ? value.trim() : value;
}
""",
        250,
        id="javascript",
    ),
    pytest.param(
        """\
{
  "order": {"id": "A-20417", "placed": "2026-03-14T09:26:53Z", "paid": true},
  "customer": {"name": "Marta Lindqvist", "email": "marta@example.org", "newsletter": false},
  "items": [
    {"sku": "LAMP-02", "title": "Desk lamp, brass", "quantity": 1, "price": 89.5},
    {"sku": "BULB-E14", "title": "Light bulb, warm white", "quantity": 4, "price": 3.25}
  ],
  "shipping": {"method": "standard", "address": {"street": "Harbour Road 12", "city": "Malmo"}},
  "notes": null
}
""",
        211,
        id="json",
    ),
    pytest.param(
        "Chaque samedi, le vieux boulanger posait sur le comptoir un panier rempli de petits "
        "pains que personne n'avait achetés la veille. Les enfants du quartier le savaient "
        "et passaient devant la vitrine en faisant semblant de ne rien voir. Il attendait "
        "alors quelques minutes, puis il sortait en grommelant qu'il faudrait bien que "
        "quelqu'un l'aide à s'en débarrasser. Cette comédie a duré plus de trente ans, "
        "jusqu'à ce que la boutique soit vendue à une chaîne de restaurants.",
        121,
        id="french",
    ),
    pytest.param(
        "Вечером мы сидели на кухне и долго говорили о том, как изменился наш город за "
        "последние десять лет. На месте старого завода построили библиотеку, а по набережной "
        "теперь можно гулять до самого моста. Бабушка слушала молча и только иногда "
        "улыбалась, потому что помнила ещё те времена, когда на этом берегу стояли "
        "деревянные дома и росли яблони.",
        88,
        id="russian",
    ),
]
ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates included
WORDS = "One sentence, then another: naïve café, 数据库 and データ. "


@pytest.mark.parametrize(("text", "tokens"), SAMPLES)
def test_it_is_within_15_percent_and_at_most_5_percent_low(text: str, tokens: int) -> None:
    assert 0.95 * tokens <= estimate_tokens(text) <= 1.15 * tokens


def test_over_all_samples_it_errs_high() -> None:
    texts, tokens = zip(*(sample.values for sample in SAMPLES), strict=True)
    assert 1.03 <= sum(map(estimate_tokens, texts)) / sum(tokens) <= 1.1


@given(ANY_TEXT)
@example("\ud800\udfff\ud800")
@example("!" * 7)
@example("\U0001f600" * 20)
@example(" \n\t")
def test_it_is_between_one_and_the_number_of_characters(text: str) -> None:
    tokens = estimate_tokens(text)
    assert type(tokens) is int
    assert (1 if text else 0) <= tokens <= len(text)


@given(ANY_TEXT)
def test_a_text_twice_makes_twice_as_many_tokens(text: str) -> None:
    # The letter between keeps marks at the seam apart; two is what rounding up can make.
    assert abs(estimate_tokens(f"{text}a{text}") - 2 * estimate_tokens(text)) <= 2


@given(st.integers(min_value=1, max_value=20_000))
def test_it_grows_in_proportion_to_the_text(times: int) -> None:
    once = estimate_tokens(WORDS * 100) / 100
    assert estimate_tokens(WORDS * times) == pytest.approx(once * times, rel=0.01, abs=1)


def test_white_space_is_free_however_long() -> None:
    assert estimate_tokens("def f():\n        return 1") == estimate_tokens("def f(): return 1")
    assert estimate_tokens(" " * 100_000) == 1


def test_a_ruled_line_is_a_few_tokens() -> None:
    assert estimate_tokens("-" * 80) == 12
    assert estimate_tokens("\u2764" * 80) == 80  # not so a row of emoji


def test_marks_around_a_ruled_line_belong_to_it_and_others_do_not() -> None:
    assert estimate_tokens("- " * 4 + "-" * 12) == estimate_tokens("-" * 16)
    assert estimate_tokens("- " * 16) == 20


@given(st.integers(min_value=1, max_value=5_000))
def test_long_texts_of_the_heaviest_characters_are_summed_in_full(times: int) -> None:
    text = "!a" * times
    assert estimate_tokens(text) == -(-times * 146 // 100)


def test_an_empty_text_has_no_tokens() -> None:
    assert estimate_tokens("") == 0
