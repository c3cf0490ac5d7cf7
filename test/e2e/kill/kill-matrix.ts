// SPDX-License-Identifier: Apache-2.0
// For tests: one program, killed with SIGKILL at each of its effects in turn and run again, must end as the run that nobody disturbed.
import type { ActionProcess, Ended } from '../../fixtures/action-process.ts';
import type { Boundary, EffectWatch, Phase } from '../../fixtures/effects.ts';

/** One program with all that it needs ready, on things of its own. */
export interface Arranged {
  /** Starts the attempt. */
  start(attempt: number): Promise<ActionProcess>;
  /** What stands, in words that are equal for every arrangement. */
  picture(): Promise<readonly string[]>;
  /** The outputs in such words. */
  told(ended: Ended): unknown;
  /** Rejects when something half done can be seen. Also called between the kill and the next attempt. */
  requireWhole(): Promise<void>;
}

/** A place where one program runs at a time. */
export interface Stage {
  readonly effects: EffectWatch;
  arrange(): Promise<Arranged>;
}

interface Reference {
  readonly status: number;
  readonly effects: readonly string[];
  readonly picture: readonly string[];
  readonly told: unknown;
}

/** What went wrong, a line each, and how many effects there are. */
export interface Swept {
  readonly effects: readonly string[];
  readonly problems: readonly string[];
}

/** Kills at each effect in one phase, or at every `every`-th. The stages share the work. */
export async function sweep(stages: readonly Stage[], phase: Phase, every = 1): Promise<Swept> {
  const [first] = stages;
  if (first === undefined) throw new RangeError('no stage');
  const reference = await undisturbed(first);
  const waiting = reference.effects.map((_, index): Boundary => ({ nth: index + 1, phase })).filter((_, index) => index % every === every - 1);
  const problems: string[] = [];
  await Promise.all(stages.map(async (stage) => {
    for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) {
      const effect = `${phase} effect ${at.nth}, ${reference.effects[at.nth - 1]?.replaceAll(/[0-9a-f]{40,}/g, '…')}`;
      problems.push(...(await killedAt(stage, at, reference)).map((problem) => `${effect}: ${problem}`));
    }
  }));
  return { effects: reference.effects, problems };
}

async function undisturbed({ effects, arrange }: Stage): Promise<Reference> {
  const arranged = await arrange();
  effects.arm();
  const ended = await (await arranged.start(1)).ended;
  const { status } = ended;
  // 3: the gate refused, which is an answer.
  if (status !== 0 && status !== 3) throw new Error(`the run that nobody disturbs ends with ${status}:\n${ended.log}`);
  const reference = { status, effects: effects.seen, picture: await arranged.picture(), told: arranged.told(ended) };
  await arranged.requireWhole();
  return reference;
}

async function killedAt({ effects, arrange }: Stage, at: Boundary, reference: Reference): Promise<string[]> {
  const arranged = await arrange();
  const started = Promise.withResolvers<ActionProcess>();
  effects.arm(at, async () => (await started.promise).signal('SIGKILL'));
  started.resolve(arranged.start(1));
  const killed = await (await started.promise).ended;
  await effects.settled();
  effects.arm();
  const problems = killed.status === null ? [] : [`it was not killed, but ended with ${killed.status}:\n${killed.log}`];
  if (Object.keys(killed.outputs).length > 0) problems.push('it has outputs before its effects');
  problems.push(...await problemOf('between', () => arranged.requireWhole()));
  const healed = await (await arranged.start(2)).ended;
  if (healed.status !== reference.status) return [...problems, `run again it ends with ${healed.status}:\n${healed.log}`];
  problems.push(...await problemOf('afterwards', () => arranged.requireWhole()));
  return [...problems, ...difference('stands', reference.picture, await arranged.picture()), ...difference('is told', [JSON.stringify(reference.told)], [JSON.stringify(arranged.told(healed))])];
}

async function problemOf(when: string, work: () => Promise<void>): Promise<string[]> {
  return work().then(() => [], (thrown: unknown) => [`${when}: ${thrown instanceof Error ? thrown.message : String(thrown)}`]);
}

function difference(what: string, wanted: readonly string[], found: readonly string[]): string[] {
  if (JSON.stringify(wanted) === JSON.stringify(found)) return [];
  const without = (from: readonly string[], those: readonly string[]): string[] => {
    const rest = [...those];
    return from.filter((line) => !rest.includes(line) || (rest.splice(rest.indexOf(line), 1), false));
  };
  return [`what ${what} differs: missing ${JSON.stringify(without(wanted, found))}, too much ${JSON.stringify(without(found, wanted))}`];
}
