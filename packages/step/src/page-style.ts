// SPDX-License-Identifier: Apache-2.0
// Style that all reports share: light, dark, narrow, print. Text has a contrast of at least 4.5 to 1.

const colours = {
  light: '--page:#f4f6f9;--card:#fff;--ink:#16202c;--dim:#56616f;--line:#dde3ea;--soft:#eef2f6;--link:#0b57a4;--good:#0c6b3b;--good-soft:#e2f4e9;--bad:#a81b17;--bad-soft:#fdeae8;--warn:#7d4c00;--warn-soft:#fdf1d9;--high:#9c3a00;--high-soft:#fdebdd;--low:#1d5a94;--low-soft:#e5f0fa',
  dark: '--page:#0d1218;--card:#151c25;--ink:#e7edf4;--dim:#9dabbb;--line:#2a3543;--soft:#1c2530;--link:#7ab8ff;--good:#63d897;--good-soft:#10301f;--bad:#ff938a;--bad-soft:#3a1716;--warn:#f2bd62;--warn-soft:#35270d;--high:#ffae7a;--high-soft:#3a2212;--low:#8dc2f5;--low-soft:#132a41',
};

const page = `
*{box-sizing:border-box}html{scroll-behavior:smooth;scroll-padding-top:12px;-webkit-text-size-adjust:100%}
@media(prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:break-word}
header,nav,main{max-width:1160px;margin:0 auto;padding:0 24px}header{padding-top:28px}
p,dl,ul{margin:0}ul{padding:0;list-style:none}td,th,dd,li,p,h1,h2,h3,code{unicode-bidi:isolate}
h1{font-size:30px;line-height:1.2;margin:2px 0 4px;letter-spacing:-.015em}h1 small{font-size:20px;font-weight:500;color:var(--dim);white-space:nowrap}
h2{font-size:19px;line-height:1.3;margin:0 0 14px;letter-spacing:-.005em}h3{font-size:15px;margin:18px 0 8px}
a{color:var(--link);text-underline-offset:2px}a:focus-visible,input:focus-visible,select:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:4px}
.skip{position:absolute;left:-999px}.skip:focus{left:12px;top:12px;background:var(--card);padding:8px 14px;z-index:1}
.dim{color:var(--dim)}.warn{color:var(--warn)}.wrap{overflow-wrap:anywhere}.line{display:block}[hidden]{display:none!important}
code{font:.88em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}.whole{overflow-wrap:anywhere}
.digest{display:inline-block;max-width:19ch;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;vertical-align:bottom;color:var(--dim)}`;

const head = `
.brand{color:var(--dim);font-size:13.5px;display:flex;gap:8px;align-items:baseline;margin-bottom:14px}.brand b{color:var(--ink);letter-spacing:.02em}.brand span{margin-left:auto}
.name{color:var(--dim);overflow-wrap:anywhere}.tags{display:flex;flex-wrap:wrap;gap:6px;margin:12px 0 18px}
.tag{display:inline-block;border:1px solid var(--line);background:var(--card);border-radius:99px;padding:1px 11px;font-size:13px;font-weight:600;overflow-wrap:anywhere}
.headline{display:flex;gap:18px;align-items:center;border-radius:14px;padding:18px 22px;border:1px solid currentColor;overflow-wrap:anywhere}
.headline.good{color:var(--good);background:var(--good-soft)}.headline.bad{color:var(--bad);background:var(--bad-soft)}.headline.warn{color:var(--warn);background:var(--warn-soft)}
.headline svg{flex:none;width:46px;height:46px;border-radius:50%;background:currentColor}.headline path{fill:none;stroke:var(--card);stroke-width:2.6;stroke-linecap:round;stroke-linejoin:round}
.headline p{color:var(--ink)}.headline .standing{font-size:23px;font-weight:700;line-height:1.25;color:inherit}.standing code{font-size:14px;font-weight:600;white-space:nowrap}
.tiles{display:grid;grid-template-columns:repeat(4,1fr);gap:14px;margin:14px 0}.tiles li{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:14px 16px}
.tiles a{color:var(--dim);font-size:13.5px;text-decoration:none}.tiles a:hover{text-decoration:underline}.tiles div{display:flex;flex-wrap:wrap;gap:5px;align-items:baseline;margin:4px 0;min-height:30px}.tiles div b{font-size:22px;line-height:1.2}.tiles p{color:var(--dim);font-size:13px}
nav ul{display:flex;flex-wrap:wrap;gap:4px 18px;padding:2px 2px 14px;font-size:14px}`;

const parts = `
section{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:22px 24px;margin-bottom:16px}
.answer+.answer{border-top:1px solid var(--line);margin-top:18px;padding-top:2px}.answer>p{margin:4px 0}.answer h3{font-size:16px}
.badge{display:inline-block;border-radius:6px;padding:1px 8px;font-size:13px;font-weight:650;white-space:nowrap;color:var(--dim);background:var(--soft)}
.badge.good{color:var(--good);background:var(--good-soft)}.badge.bad,.badge.critical{color:var(--bad);background:var(--bad-soft)}.badge.warn,.badge.medium{color:var(--warn);background:var(--warn-soft)}
.badge.high{color:var(--high);background:var(--high-soft)}.badge.low{color:var(--low);background:var(--low-soft)}.badge.critical{outline:1px solid currentColor;outline-offset:-1px}
.note{border-left:3px solid currentColor;padding:4px 12px;margin:8px 0;background:var(--soft)}.note.warn{background:var(--warn-soft)}
.counts{display:flex;flex-wrap:wrap;gap:8px;margin-bottom:12px}
.facts{display:grid;gap:5px}.facts>div{display:grid;grid-template-columns:9.5em 1fr;gap:12px}dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere;min-width:0}
dd .facts,td .facts{font-size:13px;gap:1px}td .facts>div{grid-template-columns:6.5em 1fr}dd .facts>div{grid-template-columns:5.4em 1fr;gap:6px}
table{border-collapse:collapse;width:100%;font-size:14px;margin-top:12px}caption{text-align:left;color:var(--dim);font-size:13px;padding-bottom:4px}
th{text-align:left;font-weight:400}thead th{color:var(--dim);font-size:13px;font-weight:600;white-space:nowrap;border-bottom:1px solid var(--line)}
th,td{padding:9px 16px 9px 0;vertical-align:top;overflow-wrap:anywhere;min-width:8em}th:last-child,td:last-child{padding-right:0}tbody tr+tr>*{border-top:1px solid var(--line)}
.group>*{background:var(--soft);font-weight:650;padding:6px 12px;border:0!important}tbody+tbody .group>*{border-top:8px solid var(--card)!important}
form{display:flex;flex-wrap:wrap;gap:12px;align-items:end;margin:14px 0 4px}label{color:var(--dim);font-size:13px}
input,select{display:block;font:inherit;font-size:15px;color:var(--ink);background:var(--page);border:1px solid var(--dim);border-radius:8px;padding:6px 10px;min-width:150px}input{min-width:270px}
output{color:var(--dim);font-size:14px;padding-bottom:7px}`;

const narrow = `
@media screen and (max-width:760px){.tiles{grid-template-columns:repeat(2,1fr)}
thead{position:absolute;clip-path:inset(50%);height:1px;width:1px;overflow:hidden}table,tbody,tr,th,td,caption{display:block}
tbody tr{padding:10px 0;border-top:1px solid var(--line)}tbody tr+tr>*{border-top:0}th,td{padding:3px 0;min-width:0!important}
td[data-head]{display:grid;grid-template-columns:6.4em 1fr;gap:0 10px}td[data-head]::before{content:attr(data-head);color:var(--dim);font-size:13px}td[data-head]>div{min-width:0}
.badge{white-space:normal}.group{padding:0!important}.group>*{padding:8px 10px}}
@media screen and (max-width:500px){header,nav,main{padding-left:12px;padding-right:12px}header{padding-top:16px}h1{font-size:24px}section{padding:16px 14px;border-radius:12px}
.headline{padding:14px;gap:12px;align-items:flex-start}.headline svg{width:34px;height:34px}.headline .standing{font-size:19px}.brand{flex-wrap:wrap}.brand span{margin-left:0}
.answer>.facts>div,section>.facts>div{grid-template-columns:1fr;gap:0;padding-bottom:5px}form label,input,select{width:100%;min-width:0}.digest{max-width:17ch}.tiles{gap:8px}.tiles li{padding:10px 12px}}`;

const print = `
@media print{:root{color-scheme:light;${colours.light}}body{background:#fff;zoom:.72}header,nav,main{max-width:none;padding:0}nav,form,.skip{display:none!important}
section{border:0;border-top:1px solid var(--line);border-radius:0;padding:12px 0;margin:0}th,td{min-width:0!important}tr,.headline,.answer>h3{break-inside:avoid}thead{display:table-header-group}
.digest{max-width:none;white-space:normal;overflow-wrap:anywhere}.badge,.headline,.headline svg{print-color-adjust:exact}a{color:inherit;text-decoration:none}}`;

/** The sheet; a report may put rules of its own behind it. */
export const pageStyle = `:root{color-scheme:light dark;${colours.light}}@media(prefers-color-scheme:dark){:root{${colours.dark}}}${page}${head}${parts}${narrow}${print}`;
