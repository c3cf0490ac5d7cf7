// SPDX-License-Identifier: Apache-2.0
// For tests of pages: expressions that a page evaluates about itself; each gives what is wrong.

/** What is wider than the window. */
export const overhanging = "document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > innerWidth).map((one) => one.tagName + ' ' + one.className + ': ' + one.textContent.slice(0, 60))";

/** WCAG 2.2, 1.4.3: texts whose colour is too near to what is behind them. */
export const faintTexts = `(() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((one) => { const c = one / 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; }).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => { for (let one = element; one; one = one.parentElement) { const c = parse(getComputedStyle(one).backgroundColor); if (c.length === 3 || c[3] === 1) return c; } return [255, 255, 255]; };
  const faint = new Set();
  for (const element of document.querySelectorAll('body *')) {
    if (element.getClientRects().length === 0 || ![...element.childNodes].some((one) => one.nodeType === 3 && one.data.trim())) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) faint.add(element.className + ': ' + element.textContent.slice(0, 40));
  }
  return [...faint];
})()`;
