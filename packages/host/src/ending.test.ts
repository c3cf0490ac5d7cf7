// SPDX-License-Identifier: Apache-2.0
// How an end is told: each thing once, and the command to copy.
import { Failure } from '@pratique/core';
import { expect, test } from 'vitest';
import { renderMarkdown, summaryElements } from '../../../test/fixtures/rendered-markdown.ts';
import { hostileText } from '../../../test/fixtures/sample-findings.ts';
import { endingMarkdown, endingOfFailure } from './ending.ts';

test('details hold what the message does not say', () => {
  const failure = new Failure({ code: 'POLICY_INVALID', message: 'a.yaml:1 is wrong', facts: { file: 'a.yaml', problems: ['is wrong'], size: 3, owner: 'ann' } });
  expect(endingOfFailure(failure).details).toEqual(['size: 3', 'owner: ann']);
});

test('the command of a hint can be copied from the summary as it is', () => {
  const failure = new Failure({ code: 'REGISTRY_FORBIDDEN', message: 'no push', hint: "The identity needs the role:\naz role assignment create --assignee 1 --role \"AcrPush\" --condition 'a < b'" });
  const markdown = endingMarkdown('sign-and-attest', endingOfFailure(failure), 'https://github.com/pratique-dev/pratique/blob/v1');
  expect(markdown).toContain("```sh\naz role assignment create --assignee 1 --role \"AcrPush\" --condition 'a < b'\n```");
  expect(markdown).toContain('[REGISTRY_FORBIDDEN](https://github.com/pratique-dev/pratique/blob/v1/docs/errors.md#registry_forbidden)');
});

test('hostile text in it stays text, and what is long is cut', () => {
  const long = Array.from({ length: 9000 }, () => hostileText).join('\n');
  const { elements, addresses, bytes } = renderMarkdown(endingMarkdown('gate', endingOfFailure(new Failure({ code: 'POLICY_INVALID', message: long, hint: hostileText }))));
  expect(elements.filter((name) => !summaryElements.has(name))).toEqual([]);
  expect(addresses).toEqual(['docs/errors.md#policy_invalid']);
  expect(bytes).toBeLessThan(64 * 1024);
});
