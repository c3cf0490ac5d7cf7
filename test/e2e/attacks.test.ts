// SPDX-License-Identifier: Apache-2.0
// Every attack against the gate, and then against the command line as a process of its own, with the credentials of clusters and the machine's clock.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Claim } from '../fixtures/attacks/attack.ts';
import { attacks, claimRefused, claimTags, smuggle, tryAttack, type Trial } from '../fixtures/attacks/trial.ts';
import { askVerdict, runCommand } from '../fixtures/command.ts';
import { openGateWorld, type GateWorld } from '../fixtures/gate-world.ts';

let world: GateWorld;
let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'attacks-'));
  world = await openGateWorld({ waits: true });
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true });
});

const broken = (claims: readonly Claim[]): readonly Claim[] => claims.filter(({ held }) => !held);
const trials: Trial[] = [];

test.each(attacks.map((attack) => ({ attack, title: `(${attack.letter}) ${attack.tried}: ${attack.code}, ${attack.verdict}` })))('$title', async ({ attack }) => {
  const trial = await tryAttack(world, attack, 'attacked');
  trials.push(trial);
  await smuggle(world, trial);
  expect(broken([...trial.claims, claimRefused(trial, await askVerdict(world.lab, home, trial.target))])).toEqual([]);
});

test('the next honest release owns the moving tags, and is the only one that may be deployed', async () => {
  expect(broken([await claimTags(world, 'attacked', trials)])).toEqual([]);
  const host = world.lab.addresses.acr.loginServer;
  const digest = (await world.asAdministrator('acme/attacked').resolve('latest'))?.digest;
  expect(await askVerdict(world.lab, home, `${host}/acme/attacked@${digest}`)).toEqual({ code: 'passed', exitStatus: 0 });
});

test('pratique tree names what was borrowed, and who signed the forged verdict', async () => {
  const show = async (code: string): Promise<string> => {
    const target = trials.find(({ attack }) => attack.code === code)?.target ?? '';
    return (await runCommand(world.lab, home, ['tree', target])).stderr;
  };
  expect(await show('GATE_EVIDENCE_FOREIGN')).toContain('ATTESTATION_SUBJECT_MISMATCH');
  expect(await show('VERDICT_UNTRUSTED')).toMatch(/verification_summary.*acme\/app release\.yml@/);
});
