// SPDX-License-Identifier: Apache-2.0
// Script of the report, named in the page's security policy by its hash. Without it every row is shown and the filter is not.

/** Filters the findings by words, severity and fix, and keeps that in the address (#text=ssl&severity=high). */
export const script = `
const form = document.getElementById('filter');
if (form) {
  const shown = document.getElementById('shown');
  const rows = [...document.querySelectorAll('#finding-rows tbody tr')].map((row) => ({ row, text: row.textContent.toLowerCase() }));
  const names = ['text', 'severity', 'fixable'];
  const apply = () => {
    const words = form.elements.text.value.toLowerCase().split(/\\s+/).filter(Boolean);
    const severity = form.elements.severity.value;
    const fixable = form.elements.fixable.value;
    let count = 0;
    for (const { row, text } of rows) {
      row.hidden = Boolean((severity && row.dataset.severity !== severity) || (fixable && row.dataset.fixable !== fixable) || !words.every((word) => text.includes(word)));
      if (!row.hidden) count += 1;
    }
    shown.textContent = count + ' of ' + rows.length + ' shown';
  };
  const read = () => {
    const given = new URLSearchParams(location.hash.slice(1));
    if (names.some((name) => given.has(name))) for (const name of names) form.elements[name].value = given.get(name) ?? '';
    apply();
  };
  form.addEventListener('input', () => {
    apply();
    const chosen = names.filter((name) => form.elements[name].value).map((name) => [name, form.elements[name].value]);
    history.replaceState(null, '', '#' + (chosen.length ? new URLSearchParams(chosen) : 'findings'));
  });
  form.addEventListener('submit', (event) => event.preventDefault());
  addEventListener('hashchange', read);
  form.hidden = false;
  read();
}
`;
