// SPDX-License-Identifier: Apache-2.0
// Public names of policy: the three files, who holds which role, and the judgment.
export type { Approvals, JudgeMode } from './case.ts';
export { mayState } from './case.ts';
export { evaluate, judgeScans, type EvaluateOptions, type JudgeScansOptions } from './evaluate.ts';
export { exceptionsJsonSchema, parseExceptions, type ExceptionEntry, type Exceptions } from './exceptions-file.ts';
export { parsePolicy, policyJsonSchema, type EvidenceKind, type FindingRule, type Policy } from './policy-file.ts';
export { requireRolesApart, rolesOf } from './roles.ts';
export { surveyFindings, type FindingSurvey, type JudgedFinding, type SurveyOptions } from './finding-survey.ts';
export { parseTrust, trustJsonSchema, type KeylessSigner, type KeySigner, type Trust, type TrustedSigner } from './trust-file.ts';
export type { Place, Problem } from './yaml.ts';
