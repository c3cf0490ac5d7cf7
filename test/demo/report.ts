// SPDX-License-Identifier: Apache-2.0
// `pratique report` on the release that `latest` names, as clusters would run it: one HTML file that stays when the lab is gone.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../tools/runtime.mjs';
import { connect } from './auditor.ts';
import type { Scene } from './scene.ts';
import type { Story } from './story.ts';

/** Writes it, when something was released; the story tells its address at the end. */
export async function writeReport(story: Story, scene: Scene): Promise<void> {
  const latest = await connect(scene, 'cluster').repository('acme/app').resolve('latest');
  if (latest === undefined) return;
  const folder = join(checkout, 'build');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'demo-report.html');
  const image = `${scene.lab.addresses.acr.loginServer}/acme/app@${latest.digest}`;
  const { exitStatus, stdout, stderr } = await scene.command(['report', image, '--policy', 'github://acme/app/.pratique', '--output', file]);
  if (exitStatus !== 0) return story.claim('pratique report writes the report', false, stderr);
  const { outputs } = JSON.parse(stdout) as { outputs: { report: string; standing: string } };
  story.report = outputs.report;
  const page = readFileSync(file, 'utf8');
  story.claim('pratique report tells the release, as passed, in one file', outputs.standing === 'passed' && page.includes(latest.digest) && !/<(?:link|script|img|iframe)[^>]*(?:src|href)="(?:https?:)?\/\//.test(page), outputs.standing);
}
