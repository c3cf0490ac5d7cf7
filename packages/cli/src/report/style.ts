// SPDX-License-Identifier: Apache-2.0
// Style of what only this report has.

/** Put behind the style that all reports share. */
export const style = `
@media screen and (min-width:761px){.tiles{grid-template-columns:1.7fr 1fr 1fr 1.2fr}}
#platforms tbody th{min-width:10em}#finding-rows td:nth-child(5){white-space:nowrap}#finding-rows td:nth-child(2){min-width:220px}
@media screen and (max-width:760px){#finding-rows td{white-space:normal}#signers td[data-head]{display:block}#signers td::before{content:none}}
@media print{#platforms tbody th,#finding-rows td:nth-child(2){min-width:0}}`;
