"""The style of the page: system fonts, light and dark by the reader's setting, one column on a phone."""

STYLE = """
:root {
  --text: #1c2330; --soft: #5a6475; --back: #f6f7f9; --card: #ffffff; --edge: #dde1e8;
  --bar: #2f6fdb; --track: #e8ebf1; --wait: #b4540a; --good: #17713a; --bad: #b3261e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e6e9ef; --soft: #a3adbd; --back: #12151b; --card: #1b2029; --edge: #313948;
    --bar: #6ea2ff; --track: #2a313d; --wait: #f0a35e; --good: #6cd391; --bad: #ff8f85;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.25rem clamp(1rem, 4vw, 2.5rem) 3rem; max-width: 72rem;
  font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back);
}
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 0 0 .5rem; }
p { margin: 0 0 .75rem; }
.verdict { font-weight: 600; overflow-wrap: anywhere; }
.good .mark, .verdict.good { color: var(--good); }
.bad .mark, .verdict.bad { color: var(--bad); }
.facts { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; margin: 0 0 1rem; font-size: .9rem; }
.facts div { display: flex; gap: .4rem; min-width: 0; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.figures {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(9.75rem, 1fr)); gap: .75rem;
  list-style: none; margin: 0 0 1rem; padding: 0;
}
.figures li, section { background: var(--card); border: 1px solid var(--edge); border-radius: .5rem; }
.figures li { padding: .6rem .8rem; display: flex; flex-direction: column; }
.figures .number {
  font-size: 1.35rem; font-weight: 650; font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
.figures .name, .figures small { color: var(--soft); font-size: .85rem; }
.figures .good .number { color: var(--good); }
.figures .bad .number { color: var(--bad); }
.sections { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1rem; }
section { padding: 1rem; min-width: 0; }
section > p { color: var(--soft); font-size: .9rem; }
.wide { grid-column: 1 / -1; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { font: 11.5px system-ui, sans-serif; fill: var(--soft); }
svg text.name, svg text.value { fill: var(--text); font-size: 13px; }
svg text.value { font-variant-numeric: tabular-nums; }
svg .bar { fill: var(--bar); }
svg .track { fill: var(--track); }
svg .grid { stroke: var(--edge); stroke-width: 1; }
svg .line { fill: none; stroke: var(--bar); stroke-width: 2; stroke-linejoin: round; }
svg .area { fill: var(--bar); fill-opacity: .15; }
svg .wait { fill: var(--wait); }
details { margin-top: .5rem; font-size: .9rem; }
summary { cursor: pointer; color: var(--soft); }
summary:focus-visible, .scroll:focus-visible { outline: 2px solid var(--bar); outline-offset: 2px; }
.scroll { overflow-x: auto; }
details .scroll { max-height: 24rem; overflow-y: auto; margin-top: .5rem; }
.wide details .scroll { max-height: 80vh; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--edge); }
td { overflow-wrap: anywhere; min-width: 5rem; }
th { position: sticky; top: 0; background: var(--card); color: var(--soft); font-weight: 600; white-space: nowrap; }
.number { font-variant-numeric: tabular-nums; }
th.number, td.number { text-align: right; white-space: nowrap; min-width: 0; }
.note { margin: .5rem 0 0; }
footer { margin-top: 1.5rem; color: var(--soft); font-size: .85rem; }
@media (max-width: 50rem) { .sections { grid-template-columns: minmax(0, 1fr); } }
@media (max-width: 30rem) {
  .figures { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .figures .number { font-size: 1.15rem; }
  svg text { font-size: 14px; }
  svg text.name, svg text.value { font-size: 16px; }
  .wide table, .wide tbody, .wide tr, .wide td { display: block; }
  .wide thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  .wide tr { border-bottom: 1px solid var(--edge); padding: .4rem 0; }
  .wide td, .wide td.number { border: 0; padding: .1rem 0; text-align: left; display: flex; gap: .6rem; min-width: 0; }
  .wide td:empty { display: none; }
  .wide td::before { content: attr(data-name); color: var(--soft); flex: 0 0 5rem; overflow-wrap: normal; }
}
@media print { body { background: none; max-width: none; } .scroll { max-height: none; overflow: visible; } }
"""
