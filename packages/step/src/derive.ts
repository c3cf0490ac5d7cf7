// SPDX-License-Identifier: Apache-2.0
// What is derived from a contract: action.yml, the README tables, the JSON Schema and the CLI's help.
import type { InputKind } from './kinds.ts';
import type { Step } from './step.ts';

const quote = (text: string): string => JSON.stringify(text);

/** Input that only action.yml has: the host takes it for the GitHub API port; a terminal uses GITHUB_TOKEN. */
export const githubTokenInput = 'github-token';

const needsGitHub = (step: Step): boolean => step.permissions.some((permission) => permission.scope !== 'id-token');

/** `action.yml` for a `node24` action whose entry is `dist/index.js`. Steps that need a permission of the GitHub API get the input `github-token`. */
export function deriveActionYaml(step: Step): string {
  const token = [`  ${githubTokenInput}:`, '    description: "Token for the GitHub API."', '    required: false', '    default: "${{ github.token }}"'];
  const inputs = Object.entries(step.inputs).map(([name, kind]) => [
    `  ${name}:`,
    `    description: ${quote(kind.description)}`,
    `    required: ${kind.required}`,
    ...(kind.default === undefined ? [] : [`    default: ${quote(kind.default)}`]),
  ].join('\n'));
  const outputs = Object.entries(step.outputs).map(([name, description]) => `  ${name}:\n    description: ${quote(description)}`);
  return [
    `# Generated from src/step.ts by "npm run generate". Do not edit.`,
    `name: ${quote(`Pratique: ${step.name}`)}`,
    `description: ${quote(step.description)}`,
    'author: "Pratique"',
    `branding: { icon: ${step.icon}, color: blue }`,
    'inputs:', ...inputs, ...(needsGitHub(step) ? token : []),
    'outputs:', ...outputs,
    'runs:', '  using: node24', '  main: dist/index.js', '',
  ].join('\n');
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replace(/\s*\n\s*/g, ' ');

/** Markdown tables of permissions, inputs and outputs. */
export function deriveReadmeTables(step: Step): string {
  const permissions = step.permissions.map((one) => `| \`${one.scope}: ${one.access}\` | ${cell(one.reason)} |`);
  const inputs = Object.entries(step.inputs).map(([name, kind]) => `| \`${name}\` | ${cell(kind.shape)} | ${cell(defaultCell(kind))} | ${cell(kind.description)} |`);
  const outputs = Object.entries(step.outputs).map(([name, description]) => `| \`${name}\` | ${cell(description)} |`);
  return [
    '### Permissions', '', '| permission | why |', '|---|---|', ...permissions, '',
    '### Inputs', '', '| input | shape | default | meaning |', '|---|---|---|---|', ...inputs, '',
    '### Outputs', '', '| output | meaning |', '|---|---|', ...outputs,
  ].join('\n');
}

function defaultCell(kind: InputKind<unknown>): string {
  if (kind.required) return '**required**';
  return kind.default === undefined ? '' : `\`${kind.default.replaceAll('\n', ' ')}\``;
}

/** JSON Schema (2020-12) of the inputs as strings. */
export function deriveJsonSchema(step: Step): Readonly<Record<string, unknown>> {
  const entries = Object.entries(step.inputs);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: `Inputs of ${step.name}`,
    type: 'object',
    additionalProperties: false,
    required: entries.filter(([, kind]) => kind.required).map(([name]) => name),
    properties: Object.fromEntries(entries.map(([name, kind]) => [name, { ...kind.schema, description: kind.description, ...(kind.default === undefined ? {} : { default: kind.default }) }])),
  };
}

/** Help text of `pratique STEP --help`; at most `width` characters a line. */
export function deriveHelp(step: Step, width = 100): string {
  const flags = Object.entries(step.inputs).map(([name, kind]) => {
    const tail = kind.required ? ' (required)' : kind.default === undefined ? '' : ` (default ${kind.default.replaceAll('\n', ', ')})`;
    return `  --${name} <${kind.shape}>${tail}\n${wrap(kind.description, width - 6, '      ')}`;
  });
  return [`pratique ${step.name}: ${step.description}`, '', 'Flags:', ...flags, '', 'Outputs (printed as JSON with --json):', ...Object.entries(step.outputs).map(([name, text]) => `  ${name}\n${wrap(text, width - 6, '      ')}`), ''].join('\n');
}

function wrap(text: string, width: number, indent: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + word.length + 1 > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((one) => indent + one).join('\n');
}
