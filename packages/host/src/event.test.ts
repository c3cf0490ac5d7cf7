// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readChange, readGitHubEvent, webAddress } from './event.ts';

const pull = (head: unknown, base: unknown) => ({ pull_request: { number: 7, head: { sha: 'abc', repo: head }, base: { repo: base } } });

describe('the pull request of an event', () => {
  test.each([
    ['from a branch of the repository', pull({ id: 1 }, { id: 1 }), false],
    ['from a fork', pull({ id: 2 }, { id: 1 }), true],
    ['from a fork that was deleted', pull(null, { id: 1 }), true],
    ['from nowhere at all', pull(undefined, undefined), true],
  ])('%s', (_, payload, fork) => {
    expect(readChange(payload)).toEqual({ number: 7, headSha: 'abc', fork });
  });

  test('a push has none', () => {
    expect(readChange({ ref: 'refs/heads/main' })).toBeUndefined();
  });
});

test('the event of a GitHub run', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'event-test-'));
  await writeFile(join(folder, 'event.json'), JSON.stringify(pull({ id: 2 }, { id: 1 })));
  const env = {
    GITHUB_EVENT_PATH: join(folder, 'event.json'), GITHUB_EVENT_NAME: 'pull_request', GITHUB_SERVER_URL: 'https://github.example', GITHUB_REPOSITORY: 'contoso/web', GITHUB_REPOSITORY_ID: '1',
    GITHUB_SHA: 'def', GITHUB_REF: 'refs/pull/7/merge', GITHUB_RUN_ID: '99', GITHUB_RUN_ATTEMPT: '2', GITHUB_ACTOR: 'octo',
  };
  expect(await readGitHubEvent(env)).toEqual({
    host: 'github.example', name: 'pull_request', repository: { uri: 'https://github.example/contoso/web', id: '1', owner: 'contoso', name: 'web' }, commit: 'def', ref: 'refs/pull/7/merge',
    change: { number: 7, headSha: 'abc', fork: true }, run: { uri: 'https://github.example/contoso/web/actions/runs/99', id: '99', attempt: 2 }, actor: 'octo',
  });
  await rm(folder, { recursive: true });
});

test.each([
  ['git@github.com:contoso/web.git', 'https://github.com/contoso/web'],
  ['https://user:token@github.com/contoso/web.git', 'https://github.com/contoso/web'],
  ['ssh://git@github.com/contoso/web', 'https://github.com/contoso/web'],
  ['https://github.com/contoso/web', 'https://github.com/contoso/web'],
  ['', ''],
])('the web address of the remote %s', (remote, address) => {
  expect(webAddress(remote)).toBe(address);
});
