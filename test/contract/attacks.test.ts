// SPDX-License-Identifier: Apache-2.0
// Every attack against the gate, against `pratique verify`, and against the competition for moving tags. The real steps on the lab.
import { runInTerminal } from '@pratique/host';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verify } from '../../packages/cli/src/steps/verify.ts';
import type { Claim } from '../fixtures/attacks/attack.ts';
import { attacks, claimRefused, claimTags, smuggle, tryAttack, type Told, type Trial } from '../fixtures/attacks/trial.ts';
import { openGateWorld, type GateWorld } from '../fixtures/gate-world.ts';

let world: GateWorld;
beforeAll(async () => {
  world = await openGateWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const broken = (claims: readonly Claim[]): readonly Claim[] => claims.filter(({ held }) => !held);

/** The command in this process, whose clock is that of the lab. */
async function ask(image: string): Promise<Told> {
  const { 'signing-config': _, ...given } = world.inputsOf('gate');
  let out = '';
  const exitStatus = await runInTerminal(verify, { ...given, image, policy: 'github://acme/app' }, { ...await world.hostFor('gate'), json: true, out: (text) => void (out += text), err: () => undefined });
  const { outputs, failure } = JSON.parse(out) as { outputs: { verdict?: string }; failure?: { code: string } };
  return { code: failure?.code ?? outputs.verdict ?? '', exitStatus };
}

describe('each attack ends in its code', () => {
  const trials: Trial[] = [];
  test.each(attacks.map((attack) => ({ attack, title: `(${attack.letter}) ${attack.tried}: ${attack.code}` })))('$title', async ({ attack }) => {
    const trial = await tryAttack(world, attack, 'attacked');
    trials.push(trial);
    expect(broken(trial.claims)).toEqual([]);
    await smuggle(world, trial);
    expect(broken([claimRefused(trial, await ask(trial.target))])).toEqual([]);
  }, 180_000);
  test('and the next honest release passes and owns the moving tags', async () => {
    expect(broken([await claimTags(world, 'attacked', trials)])).toEqual([]);
    const { registry, repository } = { registry: world.lab.addresses.acr.loginServer, repository: 'acme/attacked' };
    const digest = (await world.asAdministrator(repository).resolve('latest'))?.digest;
    expect(await ask(`${registry}/${repository}@${digest}`)).toEqual({ code: 'passed', exitStatus: 0 });
  }, 180_000);
  test('no two of them say the same', () => {
    const codes = attacks.map(({ letter, code }) => `${letter} ${code}`);
    expect(new Set(attacks.map(({ code }) => code)).size).toBe(new Set(codes).size);
    expect([...new Set(attacks.map(({ letter }) => letter))].join('')).toBe('abcdefghijklmn');
  });
});
