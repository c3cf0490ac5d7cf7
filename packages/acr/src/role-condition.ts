// SPDX-License-Identifier: Apache-2.0
// Conditions of role assignments on repositories, of the form that Azure's own guides and our hints write
// (https://learn.microsoft.com/azure/role-based-access-control/conditions-format).

const comparison = /@Request\[Microsoft\.ContainerRegistry\/registries\/repositories:name\]\s+(StringEquals|StringEqualsIgnoreCase|StringStartsWith|StringStartsWithIgnoreCase)\s+'([^']*)'/gi;
const reads = "ActionMatches{'Microsoft.ContainerRegistry/registries/repositories/content/read'}";

/** Whether a condition lets the content of a repository be read; `unknown` for any other form than `(!actions OR name is … OR name starts with …)`. */
export function conditionCovers(condition: string, repository: string): 'yes' | 'no' | 'unknown' {
  const flat = condition.replace(/\s+/g, ' ');
  const covered = [...flat.matchAll(comparison)].map(([, operator = '', value = '']) => holds(operator, value, repository));
  // What is left when actions and comparisons are taken out must be brackets and OR only.
  const rest = flat.replace(comparison, '').replace(/!\(ActionMatches\{'[^']*'\}\)(?: AND (?=!\(ActionMatches))?/gi, '').replace(/[()\s]|\bOR\b/g, '');
  if (rest !== '' || covered.length === 0 || !flat.includes(reads)) return 'unknown';
  return covered.includes(true) ? 'yes' : 'no';
}

function holds(operator: string, value: string, repository: string): boolean {
  const ignoreCase = operator.toLowerCase().endsWith('ignorecase');
  const [name, wanted] = ignoreCase ? [repository.toLowerCase(), value.toLowerCase()] : [repository, value];
  return operator.toLowerCase().startsWith('stringstartswith') ? name.startsWith(wanted) : name === wanted;
}
