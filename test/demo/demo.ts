// SPDX-License-Identifier: Apache-2.0
// `npm run demo`: an image is refused, its fix is released, an older line is mended, and fourteen attacks fail. Real programs and servers, one machine, no account.
import { parseArgs } from 'node:util';
import { asFailure, Failure } from '@pratique/core';
import { formatEnding, endingOfFailure } from '@pratique/host';
import { playAttacks } from './act-attacks.ts';
import { playBackport } from './act-backport.ts';
import { playRefused } from './act-refused.ts';
import { playReleased } from './act-released.ts';
import { keepRunning } from './keep.ts';
import { writeReport } from './report.ts';
import { openScene } from './scene.ts';
import { Story } from './story.ts';

const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false }, 'real-db': { type: 'boolean', default: false }, act: { type: 'string' } } });
const story = new Story();
const acts = { refused: playRefused, released: playReleased, backport: playBackport, attacks: playAttacks } as const;
const chosen = Object.entries(acts).filter(([name]) => values.act === undefined || values.act === name).map(([, act]) => act);

async function play(): Promise<number> {
  story.say('Pratique: an image waits in quarantine until somebody can prove that it may leave.');
  const scene = await story.step('lab up: registries, GitHub, Entra, Sigstore', () => openScene({ say: (line) => story.say(`    ${line}`), realDatabase: values['real-db'] }), ({ lab }) => lab.addresses.acr.url);
  try {
    for (const act of chosen) await act(story, scene);
    await writeReport(story, scene);
    const status = values['real-db'] ? story.endWithoutClaims() : story.end();
    if (values.keep) await keepRunning(story, scene);
    return status;
  } finally {
    await scene.close();
  }
}

try {
  if (chosen.length === 0) throw new Failure({ code: 'INPUT_INVALID', message: `there is no act "${values.act}"`, hint: `Acts: ${Object.keys(acts).join(', ')}` });
  process.exitCode = await play();
} catch (thrown) {
  process.stderr.write(formatEnding(endingOfFailure(asFailure(thrown)), process.stderr.isTTY === true));
  story.claim('the demo plays to its end', false, asFailure(thrown).code);
  process.exitCode = story.end();
}
