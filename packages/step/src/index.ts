// SPDX-License-Identifier: Apache-2.0
// Public names of step: declare a step once, derive the rest.
export { deriveActionYaml, deriveHelp, deriveJsonSchema, deriveReadmeTables, githubTokenInput } from './derive.ts';
export { countBySeverity, findingTable, type FindingTableOptions, type ShownFinding } from './finding-table.ts';
export { input, type InputKind } from './kinds.ts';
export { code, count, fence, folded, link, prose, shortDigest, table } from './markdown.ts';
export { registryInputs, sigstoreInputs } from './shared-inputs.ts';
export { defineStep, parseInputs, type InputContract, type InputValues, type OutputContract, type Step, type StepPermission, type StepResult } from './step.ts';
