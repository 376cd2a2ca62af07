"""How the page looks: colours for light and dark, a phone's and a desk's width, and paper."""

from __future__ import annotations

# Every colour of text has a contrast of 4.5 on its background, and every line one of 3 (WCAG 2.2).
STYLE = """
:root { color-scheme: light dark; --page: #fff; --card: #f5f6f8; --text: #1b1d20; --soft: #555b63;
  --rule: #d5d9de; --better: #106b34; --worse: #b3201a; --unclear: #7a5200; --warn: #fdf1d8;
  --s0: #1f5fbf; --s1: #b34700; --s2: #107a4a; --s3: #8a2fb0; --s4: #a8174f; --s5: #4d6200; }
@media (prefers-color-scheme: dark) { :root { --page: #14171a; --card: #1e2226; --text: #e9ebee;
  --soft: #a9b0b8; --rule: #3a4148; --better: #5fd08c; --worse: #ff8f85; --unclear: #f0b95a;
  --warn: #3a2f14; --s0: #7fb2ff; --s1: #ffa264; --s2: #5fd0a0; --s3: #d79bf5; --s4: #ff8fb5;
  --s5: #c3d56a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: .5rem 0; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1.05rem; margin: 1.25rem 0 .5rem; }
p { margin: .5rem 0; max-width: 46rem; text-wrap: pretty; }
.soft, caption, .answers dt { color: var(--soft); }
.stopped { border-left: .3rem solid var(--unclear); background: var(--warn); padding: .6rem .9rem;
  max-width: none; }
.card { background: var(--card); border-radius: .6rem; padding: 1rem; margin: 1rem 0; }
.card h2 { margin: 0 0 .75rem; }
.answers { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr));
  gap: 1.1rem; margin: 0; }
.answers dt { font-size: .9rem; }
.answers dd { margin: 0; }
.answers .short { display: block; font-size: 1.15rem; line-height: 1.4; font-weight: 650; }
.answers .detail { display: block; font-size: .9rem; }
.better { color: var(--better); }
.worse { color: var(--worse); }
.unclear { color: var(--unclear); }
.interval-plot { width: 10.5rem; max-width: 100%; display: block; margin-top: .4rem; }
.wide { overflow-x: auto; margin: .5rem 0; }
tr > :last-child { padding-right: 0 !important; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .95rem; }
caption { text-align: start; font-size: .9rem; padding: .3rem 0; }
th, td { text-align: end; vertical-align: top; padding: .3rem .8rem .3rem 0;
  border-top: 1px solid var(--rule); overflow-wrap: normal; }
th { font-weight: 600; } th:first-child { text-align: start; }
thead th { border-top: 0; vertical-align: bottom; font-size: .85rem; color: var(--soft); }
td small, td .verdict { white-space: nowrap; } td small { color: var(--soft); display: block; }
tbody th:first-child { overflow-wrap: anywhere; min-width: 7em; }
.tables { display: flex; flex-wrap: wrap; gap: 0 3rem; } .tables > * { max-width: 100%; }
@media (max-width: 30rem) { table { font-size: .85rem; } th, td { padding-right: .4rem; }
  td .verdict { display: block; } td small { white-space: normal; } }
@media (max-width: 22rem) { table { font-size: .75rem; } th, td { padding-right: .25rem; }
  thead th { font-size: .7rem; } tbody th:first-child { min-width: 5em; }
  figure > svg text { font-size: 15px; } }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(22rem, 100%), 1fr));
  gap: 1.5rem; }
figure { margin: 0; max-width: 28rem; } figcaption { font-weight: 600; }
figure > svg { width: 100%; height: auto; display: block; }
.legend { list-style: none; margin: .2rem 0 .4rem; padding: 0; display: flex; flex-wrap: wrap;
  gap: .1rem 1rem; font-size: .85rem; }
.legend svg { width: 30px; height: 12px; }
svg text { fill: var(--soft); font-size: 12px; }
.grid { stroke: var(--rule); } .axis, .zero { stroke: var(--soft); }
.zero { stroke-dasharray: 3 2; } .chosen { stroke: var(--soft); stroke-dasharray: 2 3; }
.interval { stroke: var(--text); stroke-width: 3; } .gain { fill: var(--text); }
.level { stroke: var(--text); stroke-width: 1.5; stroke-dasharray: 7 4; }
.level.oracle { stroke-dasharray: 2 3; }
.line polyline { fill: none; stroke: currentColor; stroke-width: 2; }
.line .mark { fill: currentColor; } .line .mark.hidden { fill-opacity: 0; }
.style-0 { color: var(--s0); } .style-1 { color: var(--s1); } .style-2 { color: var(--s2); }
.style-3 { color: var(--s3); } .style-4 { color: var(--s4); } .style-5 { color: var(--s5); }
.style-1 polyline { stroke-dasharray: 8 3; } .style-2 polyline { stroke-dasharray: 3 3; }
.style-3 polyline { stroke-dasharray: 10 3 2 3; } .style-4 polyline { stroke-dasharray: 5 5; }
details { border-top: 1px solid var(--rule); padding: .5rem 0; }
summary { cursor: pointer; } summary .move { font-variant-numeric: tabular-nums; font-weight: 600; }
.sides { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(18rem, 100%), 1fr));
  gap: .5rem 1.5rem; }
.sides h4 { margin: .6rem 0 .2rem; font-size: .95rem; }
.sides ol { margin: 0; padding-left: 1.4rem; font-size: .9rem; } .sides li { margin: .3rem 0; }
.sides .id { color: var(--soft); }
.relevant { font-weight: 600; border: 1px solid var(--better); color: var(--better);
  border-radius: .3rem; padding: 0 .3rem; white-space: nowrap; }
:focus-visible { outline: 2px solid var(--s0); outline-offset: 2px; }
@media print { body { max-width: none; padding: 0; font-size: 10pt; }
  .card, figure, details, tr { break-inside: avoid; } h2, h3, summary { break-after: avoid; }
  .wide { overflow: visible; } details::details-content { content-visibility: visible; } }
"""
