// SPDX-License-Identifier: Apache-2.0
// Style of what only the report of a deployment has: plots, the course of the run.

/** Put behind the style that all reports share. */
export const style = `
:root{--canary:#b4450b;--baseline:#1a66b0;--stable:#6a4bb3}@media(prefers-color-scheme:dark){:root{--canary:#ff9d5c;--baseline:#74b6ff;--stable:#b9a2ff}}
#time .plots{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:22px 34px}.plot{margin:0;min-width:0}.plot.wide{grid-column:1/-1}
figcaption{font-weight:650;font-size:14.5px}.legend{display:flex;flex-wrap:wrap;gap:2px 18px;font-size:13px;color:var(--dim);margin:2px 0 6px}.legend li{display:flex;align-items:center;gap:7px}
.key{width:22px;height:0;border-top:3px solid}.key.baseline,.key.promote{border-top-style:dashed}.key.stable{border-top-style:dotted}
.frame{display:block;width:100%;height:184px;overflow:visible}.area{overflow:visible}.frame line{vector-effect:non-scaling-stroke}
.grid{stroke:var(--line);stroke-width:1}.tick{fill:var(--dim);font-size:12px;stroke:var(--card);stroke-width:3px;paint-order:stroke;stroke-linejoin:round}
.line,.dots{fill:none;vector-effect:non-scaling-stroke;stroke-width:2.4;stroke-linejoin:round}.dots{stroke-width:5;stroke-linecap:round;opacity:.38}
.line.baseline,.line.promote{stroke-dasharray:7 4}.line.stable{stroke-dasharray:1.5 4}
.canary{stroke:var(--canary);border-color:var(--canary)}.baseline{stroke:var(--baseline);border-color:var(--baseline)}.stable{stroke:var(--stable);border-color:var(--stable)}
.alarm{stroke:var(--bad);border-color:var(--bad)}.promote{stroke:var(--good);border-color:var(--good)}
line.level{stroke-width:1.5;stroke-dasharray:2 3}text.level{stroke:var(--card);stroke-width:3px;paint-order:stroke;stroke-linejoin:round;font-size:12.5px;font-weight:600}text.level.alarm{fill:var(--bad)}text.level.promote{fill:var(--good)}
h1 small,.finding .badge{white-space:normal;overflow-wrap:anywhere}
pre{margin:8px 0 0;padding:10px 12px;background:var(--soft);border-radius:8px;font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
section>p+.facts,section>.dim+table{margin-top:10px}.headline p:last-child::first-letter{text-transform:uppercase}#time .dim{margin-top:14px;font-size:13px}.finding h3{margin-top:0}
.finding+.finding{border-top:1px solid var(--line);margin-top:16px;padding-top:16px}.finding p{margin:6px 0 0}.num{font-variant-numeric:tabular-nums}
#course td:last-child,#course th:last-child{text-align:right;white-space:nowrap}
@media screen and (max-width:760px){#time .plots{grid-template-columns:minmax(0,1fr)}#course td:last-child{text-align:left}}
@media print{.plot{break-inside:avoid}:root{--canary:#b4450b;--baseline:#1a66b0;--stable:#6a4bb3}}`;
