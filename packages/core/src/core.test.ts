// SPDX-License-Identifier: Apache-2.0
// Core: references, failures, redaction, retry, hostile text, canonical JSON.
import { describe, expect, test } from 'vitest';
import {
  addSecret, asFailure, canonicalJson, causeChain, escapeHtml, escapeMarkdown, Failure, formatImage, mapConcurrently, nearest, neutralizeCommands, parsePinnedImage, parsePlatform, parseRepositoryName, redact,
  retry, stripControl, type Clock,
} from './index.ts';
import { redactJson } from './redact.ts';

const digest = `sha256:${'0'.repeat(64)}`;

describe('references', () => {
  test.each([
    [`127.0.0.1:5000/a@${digest}`, { registry: '127.0.0.1:5000', repository: 'a', digest }],
    [`contoso.azurecr.io/quarantine/web:1.2.0@${digest}`, { registry: 'contoso.azurecr.io', repository: 'quarantine/web', digest }],
    [`localhost/a/b_c@${digest}`, { registry: 'localhost', repository: 'a/b_c', digest }],
  ])('%s is an image', (text, image) => {
    expect(parsePinnedImage(text)).toEqual(image);
    expect(parsePinnedImage(formatImage(parsePinnedImage(text)))).toEqual(image);
  });
  test.each(['web', 'docker.io/web:1', `web@${digest}`, `r.io/Web@${digest}`, `r.io/a@sha256:00`, `r.io/a//b@${digest}`, `r.io/../a@${digest}`, `-/a@${digest}`])('%s is not', (text) => {
    expect(() => parsePinnedImage(text)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
  });
  test('a repository has neither tag nor digest', () => {
    expect(parseRepositoryName('r.io:443/a/b')).toEqual({ registry: 'r.io:443', repository: 'a/b' });
    expect(() => parseRepositoryName('r.io/a:1')).toThrow(Failure);
    expect(parsePlatform('linux/arm/v7')).toEqual({ os: 'linux', architecture: 'arm', variant: 'v7' });
    expect(() => parsePlatform('linux')).toThrow(Failure);
  });
});

describe('redaction', () => {
  test('hides tokens, headers, user-info, unknown query parameters, keys and registered secrets', () => {
    addSecret('correct-horse');
    const text = redact('Bearer abcdefghijkl eyJhbGciOiJI.eyJzdWIiOiIx.c2ln https://u:p4ss@h/x?scope=a&sig=QUJD ghp_0123456789abcdef0123 correct-horse');
    for (const secret of ['abcdefghijkl', 'eyJzdWIi', 'p4ss', 'QUJD', 'ghp_', 'correct-horse']) expect(text).not.toContain(secret);
    expect(text).toContain('scope=a');
    expect(redactJson({ a: { access_token: 'tiny', n: 1, when: new Date(0) }, list: ['correct-horse'] })).toEqual({ a: { access_token: '***', n: 1, when: '1970-01-01T00:00:00.000Z' }, list: ['***'] });
  });
  test('a failure never carries them', () => {
    addSecret('battery-staple');
    const failure = new Failure({ code: 'INPUT_INVALID', message: 'battery-staple', hint: 'battery-staple', facts: { x: 'battery-staple' }, cause: new Error('battery-staple') });
    expect(JSON.stringify([failure.message, failure.hint, failure.facts, causeChain(failure)])).not.toContain('staple');
    expect(asFailure(new TypeError('x'))).toMatchObject({ code: 'INTERNAL_DEFECT', exitStatus: 1 });
  });
});

describe('retry', () => {
  const clockFrom = (start: number): Clock & { waits: number[] } => {
    let now = start;
    const waits: number[] = [];
    return { waits, now: () => new Date(now), sleep: (seconds) => { waits.push(seconds); now += seconds * 1000; return Promise.resolve(); } };
  };
  const unavailable = (facts = {}): Failure => new Failure({ code: 'REGISTRY_UNAVAILABLE', message: 'down', facts });
  const signal = new AbortController().signal;

  test('waits longer each time, honours Retry-After, and gives up after its attempts', async () => {
    const clock = clockFrom(0);
    const failing = retry(() => Promise.reject(unavailable({ retryAfterSeconds: 7 })), { clock, signal, attempts: 3, random: () => 0.5 });
    await expect(failing).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
    expect(clock.waits).toEqual([7, 7]);
  });
  test.each([['a refusal', new Failure({ code: 'GATE_REFUSED', message: 'no' })], ['a defect', new Error('x')]])('does not repeat %s', async (_, error) => {
    const clock = clockFrom(0);
    await expect(retry(() => Promise.reject(error), { clock, signal })).rejects.toBe(error);
    expect(clock.waits).toEqual([]);
  });
  test('starts nothing after its budget', async () => {
    const clock = clockFrom(0);
    await expect(retry(() => Promise.reject(unavailable({ retryAfterSeconds: 50 })), { clock, signal, budgetSeconds: 120 })).rejects.toBeInstanceOf(Failure);
    expect(clock.waits).toEqual([50, 50]);
  });
});

describe('hostile text', () => {
  test('cannot draw on a terminal, run workflow commands, or become Markdown or HTML', () => {
    expect(stripControl('a\u001b[31mb\u001b]0;t\u0007c\u202e\u061cd')).toBe('abcd');
    expect(neutralizeCommands('  ::error::x')).not.toMatch(/^\s*::/);
    expect(neutralizeCommands('##vso[task.complete]')).not.toMatch(/##vso/);
    expect(neutralizeCommands('CVE-1: title ##[stop-commands]x ##VSO[task.setvariable]y')).not.toMatch(/##(?:\[|vso)/i);
    expect(escapeMarkdown('| [x](javascript:1) <b>@all\n`')).not.toMatch(/[^\\][|[\]`<]|@/);
    expect(escapeHtml('<b title="x" id=\'y\'>&amp;\u0000\u202e\n')).toBe('&lt;b title=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;\n');
  });
  test('nearest finds the meant name and nothing far', () => {
    expect(nearest('severty', ['severity', 'fixable'])).toBe('severity');
    expect(nearest('zzz', ['severity', 'fixable'])).toBeUndefined();
  });
});

test('canonical JSON does not depend on the order of keys', () => {
  expect(canonicalJson({ b: [1, { d: undefined, c: 'x' }], a: null })).toBe('{"a":null,"b":[1,{"c":"x"}]}');
});

test('mapConcurrently keeps order, bounds concurrency and stops at the first failure', async () => {
  let running = 0;
  let most = 0;
  const work = async (item: number): Promise<number> => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((done) => setImmediate(done));
    running -= 1;
    if (item === 9) throw new Error('nine');
    return item * 2;
  };
  expect(await mapConcurrently([1, 2, 3, 4, 5], 2, work)).toEqual([2, 4, 6, 8, 10]);
  expect(most).toBe(2);
  await expect(mapConcurrently([9, 1], 1, work)).rejects.toThrow('nine');
});
