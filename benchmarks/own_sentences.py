"""Sentences of our own, for where no collection lies next to the checkout."""

OWN_SENTENCES = (
    "The town council voted on Tuesday to keep the old swimming hall open for another year.",
    "More than two hundred people came to the meeting, some of them with wet hair.",
    'A refund takes 3 to 5 working days; the bank may need 2 more (see 4.2, "Payments").',
    "In 2019, the observatory on Mount Saint Helen recorded 1,284 meteors within one night.",
    "Adults who slept fewer than six hours (n = 412) caught a cold four times as often as others.",
    "The mean age was 57.3 years, 48% were women, and the median follow-up was 6.2 years.",
    "Whether the lake freezes depends less on the coldest day than on how long the cold lasts.",
    "Please restart the controller, wait until the green light is steady, and then try again.",
    "Bread made with rye flour keeps longer, since its starch binds more water than wheat's does.",
    "Engineers from the university examined whether wood, steel or concrete would carry the roof.",
    "No association was found for inhaled corticosteroids (hazard ratio 1.04, 95% CI 0.91-1.18).",
    "The library lends tools as well: drills, ladders, a sewing machine and two telescopes.",
    "Trains to the coast leave every thirty minutes, except on Sundays and public holidays.",
    "If the warranty has expired, the repair is charged by the hour, and parts are extra.",
    "Olive trees bear fruit every other year, unless they are pruned and watered with care.",
    "Her grandfather, a clockmaker from Bergen, had written every repair into a blue notebook.",
    "The index is rebuilt each night; until then, new documents are found by their titles only.",
    "Bats find their way by sound, yet most species see rather well in the light of dusk.",
    "A vector search returns what is close in meaning, and a keyword search what is written.",
    "Volunteers counted the birds at dawn, when they sing, and again at noon, when they rest.",
)
