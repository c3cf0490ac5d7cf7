// SPDX-License-Identifier: Apache-2.0
// A small step for the tests of both hosts; started as a program it is an action.
import { Failure } from '@pratique/core';
import { defineStep, input } from '@pratique/step';
import { runOnGitHub } from './github.ts';

/** Does what its input `end` says. */
export const testStep = defineStep({
  name: 'test-step', description: 'A step for tests.', icon: 'box', permissions: [],
  inputs: {
    end: input.choice(['well', 'refused', 'failed', 'failed late', 'never', 'identity', 'flood'])({ required: true, description: 'How it ends.' }),
    'wait-seconds': input.seconds({ default: '1', description: 'A number.' }),
    'github-token': input.text({ description: 'A token.' }),
  },
  outputs: { text: 'What was said.', unset: 'Nothing.' },
  async run({ end }, ctx) {
    ctx.log.line(`::error::scratch ${ctx.scratch}`);
    ctx.log.notice({ level: 'warning', title: 'Careful', message: 'of, this: 100%', file: 'a.txt', line: 3 });
    if (end === 'failed') throw new Failure({ code: 'REGISTRY_FORBIDDEN', message: 'no push', hint: 'Assign a role.', facts: { password: 'hidden', repository: 'web' }, cause: new Error('outer', { cause: new Error('inner') }) });
    if (end === 'never') await ctx.clock.sleep(600, ctx.signal);
    if (end === 'identity') await ctx.identity('sigstore');
    if (end === 'flood') for (const level of ['warning', 'error'] as const) for (let index = 0; index < 12; index += 1) ctx.log.notice({ level, title: 'Careful', message: `number ${index}` });
    if (end === 'flood') return { outputs: {}, summary: '', refusal: { code: 'GATE_REFUSED', message: `may not pass:\n${'- because\n'.repeat(999)}`, hint: 'Mend it.' } };
    const summary = '# Summary\n';
    const outputs = { text: 'two\nlines' };
    if (end === 'failed late') return { outputs, summary, failure: new Failure({ code: 'REGISTRY_FORBIDDEN', message: 'no push', hint: 'Assign a role.' }) };
    return end === 'refused' ? { outputs, summary, refusal: { code: 'GATE_REFUSED', message: 'it may not pass', hint: 'Mend it.' } } : { outputs, summary };
  },
});

if (process.argv[1] === import.meta.filename) await runOnGitHub(testStep);
