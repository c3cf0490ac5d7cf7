// SPDX-License-Identifier: Apache-2.0
// Who may pull, from role assignments and their conditions.
import { describe, expect, test } from 'vitest';
import { judge } from './pull-permission.ts';
import { conditionCovers } from './role-condition.ts';

const roles = { acrPull: '7f951dda-4ed3-4680-a7ca-43fe172d538d', reader: 'B93AA761-3e63-49ed-ac28-beffa264f7ac', delete: 'c2f4ef07-c644-48eb-af81-4b1b4947fb11', custom: '11111111-1111-4111-8111-111111111111' } as const;
const assignment = (role: keyof typeof roles, condition?: string | null): object => ({ properties: { roleDefinitionId: `/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/${roles[role]}`, condition } });

describe('an assignment', () => {
  test.each([
    ['AcrPull in legacy mode', 'acrPull', 'legacy', 'yes'], ['AcrPull in ABAC mode, where it counts for nothing', 'acrPull', 'abac', 'no'],
    ['Repository Reader in ABAC mode', 'reader', 'abac', 'yes'], ['Repository Reader in legacy mode', 'reader', 'legacy', 'no'],
    ['AcrDelete', 'delete', 'legacy', 'no'], ['a role of the organisation', 'custom', 'abac', 'unknown'],
  ] as const)('%s', (_, role, mode, answer) => {
    expect(judge(assignment(role, null), { mode, repository: 'acme/web' })).toBe(answer);
  });
  test('is as wide as its condition', () => {
    expect(judge(assignment('reader', on("StringStartsWithIgnoreCase 'other/'")), { mode: 'abac', repository: 'acme/web' })).toBe('no');
  });
  test.each([[undefined], [{}], ['text']])('that is none (%s) says nothing', (value) => {
    expect(judge(value, { mode: 'abac', repository: 'acme/web' })).toBe('unknown');
  });
});

const name = '@Request[Microsoft.ContainerRegistry/registries/repositories:name]';
const actions = ['content', 'metadata'].map((what) => `!(ActionMatches{'Microsoft.ContainerRegistry/registries/repositories/${what}/read'})`).join(' AND ');
const on = (...comparisons: string[]): string => `((${actions}) OR (${comparisons.map((comparison) => `${name} ${comparison}`).join(' OR ')}))`;

test.each([
  ['a prefix', on("StringStartsWithIgnoreCase 'Acme/'"), 'yes'], ['another prefix', on("StringStartsWithIgnoreCase 'quarantine/'"), 'no'],
  ['the name', on("StringEqualsIgnoreCase 'acme/web'"), 'yes'], ['the name in another case, where case counts', on("StringEquals 'ACME/web'"), 'no'],
  ['one of several', on("StringEquals 'acme/api'", "StringStartsWith 'acme/w'"), 'yes'], ['over several lines', on("StringEqualsIgnoreCase 'acme/web'").replaceAll(' AND ', '\n  AND\n  '), 'yes'],
  ['what is excluded', on("StringNotEquals 'acme/web'"), 'unknown'], ['two that must both hold', on("StringStartsWith 'acme/'").replace(/\)\)$/, ` AND ${name} StringEquals 'acme/api'))`), 'unknown'],
  ['another attribute', '(@Environment[UtcNow] DateTimeGreaterThan \'2026-01-01\')', 'unknown'], ['other actions', on("StringEquals 'acme/web'").replaceAll('/read', '/write'), 'unknown'], ['nothing', '()', 'unknown'],
])('a condition by %s', (_, condition, answer) => {
  expect(conditionCovers(condition, 'acme/web')).toBe(answer);
});
