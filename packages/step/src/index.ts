// SPDX-License-Identifier: Apache-2.0
// Public names of step: declare a step once, derive the rest.
export { deriveActionYaml, deriveHelp, deriveJsonSchema, deriveReadmeTables, githubTokenInput } from './derive.ts';
export { countBySeverity, findingTable, type FindingTableOptions, type ShownFinding } from './finding-table.ts';
export { input, type InputKind } from './kinds.ts';
export {
  badge, clip, html, htmlDigest, htmlFacts, htmlHeadline, htmlLink, htmlRow, htmlRows, htmlSection, htmlTable, htmlTile, instant, plural,
  type BadgeLook, type Markup, type Part,
} from './markup.ts';
export { code, count, fence, folded, link, prose, shortDigest, table } from './markdown.ts';
export { htmlPage, type HtmlPage } from './page.ts';
export { clusterInputs, registryInputs, sigstoreInputs } from './shared-inputs.ts';
export { defineStep, parseInputs, type InputContract, type InputValues, type OutputContract, type Step, type StepPermission, type StepResult } from './step.ts';
