// SPDX-License-Identifier: Apache-2.0
// Everything that is derived from the code: action.yml, README tables, docs/errors.md, JSON Schemas.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exitStatus, failureCodes, type FailureCodeEntry, type FailureKind } from '@pratique/core';
import { exceptionsJsonSchema, policyJsonSchema, trustJsonSchema } from '@pratique/policy';
import { deriveActionYaml, deriveJsonSchema, deriveReadmeTables, type Step } from '@pratique/step';
import { checkout } from './runtime.mjs';

const begin = '<!-- generated:tables -->';
const end = '<!-- /generated -->';

/** The steps of all actions, in the order of the chain. */
export async function loadSteps(): Promise<readonly Step[]> {
  const [{ buildScanPush }, { signAndAttest }, { quarantineGate }, { helmDeployCanary }] = await Promise.all([
    import('@pratique/build-scan-push'), import('@pratique/sign-and-attest'), import('@pratique/quarantine-gate'), import('@pratique/helm-deploy-canary'),
  ]);
  return [buildScanPush, signAndAttest, quarantineGate, helmDeployCanary];
}

/** Content of every generated file, by path from the root of the checkout. */
export async function generateFiles(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const step of await loadSteps()) {
    files.set(`actions/${step.name}/action.yml`, deriveActionYaml(step));
    files.set(`actions/${step.name}/README.md`, await withTables(`actions/${step.name}/README.md`, step));
    files.set(`docs/schema/${step.name}.schema.json`, toJson(deriveJsonSchema(step)));
  }
  files.set('docs/schema/policy.schema.json', toJson(policyJsonSchema()));
  files.set('docs/schema/trust.schema.json', toJson(trustJsonSchema()));
  files.set('docs/schema/exceptions.schema.json', toJson(exceptionsJsonSchema()));
  files.set('docs/errors.md', errorsPage());
  return files;
}

const toJson = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** The README with the tables between its markers renewed; a README without markers, or none at all, gets them at its end. */
async function withTables(path: string, step: Step): Promise<string> {
  const text = await readFile(join(checkout, path), 'utf8').catch(() => `# ${step.name}\n\n${step.description}\n`);
  const tables = `${begin}\n${deriveReadmeTables(step)}\n${end}`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) return `${text.trimEnd()}\n\n${tables}\n`;
  return `${text.slice(0, from)}${tables}${text.slice(to + end.length)}`;
}

const meanings: Readonly<Record<FailureKind, string>> = {
  usage: 'something in the workflow, the input or the permissions must be changed',
  refused: 'the answer is no: a rule does not let it pass',
  unavailable: 'something did not answer; running it again may be enough',
  defect: 'a fault in this toolkit, or an answer that no specification allows',
};

/** docs/errors.md: every code with when it happens and how it is mended. The heading is the anchor that messages link to. */
export function errorsPage(): string {
  const kinds = Object.entries(exitStatus).sort(([, a], [, b]) => a - b).map(([kind, status]) => `| ${status} | ${kind} | ${meanings[kind as FailureKind]} |`);
  const codes = Object.entries<FailureCodeEntry>(failureCodes).sort(([a], [b]) => (a < b ? -1 : 1));
  const sections = codes.map(([code, entry]) => `## ${code}\n\n*${entry.kind}, exit status ${exitStatus[entry.kind]}.* ${entry.when}\n\n**What to do:** ${entry.mend}\n`);
  return [
    '<!-- Generated from packages/core/src/codes by "npm run generate". Do not edit. -->', '# Failure codes', '',
    'Every end that is not success has one of these codes. Its kind decides the exit status:', '', '| exit status | kind | meaning |', '|---|---|---|', ...kinds, '', ...sections,
  ].join('\n');
}
