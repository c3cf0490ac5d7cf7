// SPDX-License-Identifier: Apache-2.0
// `npm run demo`: an image is refused, its fix is released, an older line is mended, fourteen attacks fail, and what was released is deployed by canary. Real programs and servers, one machine, no account.
import { parseArgs } from 'node:util';
import { asFailure, Failure } from '@pratique/core';
import { formatEnding, endingOfFailure } from '@pratique/host';
import { playAttacks } from './act-attacks.ts';
import { playBackport } from './act-backport.ts';
import { playDeployed } from './act-deployed.ts';
import { playRefused } from './act-refused.ts';
import { playReleased } from './act-released.ts';
import { clusterObstacle } from './cluster.ts';
import { keepRunning } from './keep.ts';
import { writeReport } from './report.ts';
import { openScene } from './scene.ts';
import { Story } from './story.ts';

const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false }, 'real-db': { type: 'boolean', default: false }, act: { type: 'string' } } });
const story = new Story();
const acts = { refused: playRefused, released: playReleased, backport: playBackport, attacks: playAttacks, deployed: playDeployed } as const;
const chosen = Object.entries(acts).filter(([name]) => values.act === undefined || values.act === name).map(([, act]) => act);
const obstacle = clusterObstacle();

async function play(): Promise<number> {
  story.say('Pratique: an image waits in quarantine until somebody can prove that it may leave.');
  const scene = await story.step('lab up: registries, GitHub, Entra, Sigstore', () => openScene({ say: (line) => story.say(`    ${line}`), realDatabase: values['real-db'] }), ({ lab }) => lab.addresses.acr.url);
  try {
    for (const [index, act] of chosen.entries()) {
      // It starts while the act before is played; the act that needs it is told when it fails.
      if (chosen[index + 1] === playDeployed && obstacle === undefined) scene.cluster.open().catch(() => undefined);
      await act(story, scene);
    }
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
  // Asked for alone, an act that cannot be played is a failure; among others it is skipped aloud.
  if (obstacle !== undefined && values.act === 'deployed') throw obstacle;
  process.exitCode = await play();
} catch (thrown) {
  process.stderr.write(formatEnding(endingOfFailure(asFailure(thrown)), process.stderr.isTTY === true));
  story.claim('the demo plays to its end', false, asFailure(thrown).code);
  process.exitCode = story.end();
}
