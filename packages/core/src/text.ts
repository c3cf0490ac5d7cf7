// SPDX-License-Identifier: Apache-2.0
// Hostile text made harmless: control characters, workflow commands, Markdown, HTML; and finding the nearest name.

/** Without terminal control sequences and control characters other than newline and tab. */
export function stripControl(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are the point
  return text.replace(/\u001b\[[0-9;?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '');
}

/**
 * A line that neither GitHub (`::x::` at its start, `##[x]` anywhere) nor Azure Pipelines (`##vso[x]` anywhere) takes as a command
 * (actions/runner: ActionCommand.cs; microsoft/azure-pipelines-agent: Command.cs, both by IndexOf).
 */
export function neutralizeCommands(line: string): string {
  return stripControl(line).replace(/^(\s*)::/, '$1\u200b::').replace(/##(?=\[|vso\[)/gi, '##\u200b');
}

/** `text` as one line of Markdown that renders as itself: no markup, mentions, links or table breaks. */
export function escapeMarkdown(text: string): string {
  return stripControl(text).replace(/\s+/g, ' ')
    .replace(/[\\`*_{}[\]()#+!|~$^:-]/g, '\\$&').replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/@/g, '&#64;')
    // GitHub makes a link of a bare www. host, without any scheme (https://github.github.com/gfm/#autolinks-extension-).
    .replace(/\bwww\./gi, (host) => `${host.slice(0, -1)}&#46;`);
}

/** `text` as HTML text or as the value of a quoted attribute: no markup, no control characters. */
export function escapeHtml(text: string): string {
  return stripControl(text).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;').replace(/'/g, '&#39;');
}

/** The name among `candidates` that `name` was probably meant to be, or `undefined` when none is near. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(substitution, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}
