// SPDX-License-Identifier: Apache-2.0
// Runs tests for Stryker in one process that keeps their modules: a worker of vitest for each mutant took seconds, and most of the time.
// A mutant in what a module does when it is loaded gets the modules anew.
import { globSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { MutantCoverage } from '@stryker-mutator/api/core';
import {
  determineHitLimitReached, DryRunStatus, TestStatus, toMutantRunResult,
  type CompleteDryRunResult, type DryRunResult, type MutantRunOptions, type MutantRunResult, type TestResult, type TestRunner, type TestRunnerCapabilities,
} from '@stryker-mutator/api/test-runner';
import './fixed-seed.ts';
import { collectFile, type Group, type Test } from './test-words.ts';

/** What the changed sources read and write (`__stryker__`). */
interface Switch {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
  mutantCoverage?: MutantCoverage;
}

const mutants: Switch = {};
Object.assign(globalThis, { __stryker__: mutants });
const testWords = new URL('test-words.ts', import.meta.url).href;

interface Run {
  readonly wanted: ReadonlySet<string> | undefined;
  readonly results: TestResult[];
  readonly bail: boolean;
}

/** A test runner of Stryker for the tests that stand beside the changed sources. */
export class DirectRunner implements TestRunner {
  readonly #tests: string;
  #files: readonly Group[] = [];
  /** Milliseconds that a file took without mutant: the quick ones go first. */
  readonly #times = new Map<string, number>();
  #loads = 0;
  /** Whether the modules were loaded with a mutant in them. */
  #stale = true;

  constructor(tests: string) {
    this.#tests = tests;
  }

  capabilities(): TestRunnerCapabilities {
    return { reloadEnvironment: true };
  }

  async init(): Promise<void> {
    const root = pathToFileURL(`${process.cwd()}/packages/`).href;
    registerHooks({
      resolve: (specifier, context, next) => {
        if (context.parentURL?.startsWith(root) !== true) return next(specifier, context);
        if (specifier === 'vitest') return { url: testWords, shortCircuit: true };
        const found = next(specifier, context);
        return found.url.startsWith(root) ? { ...found, url: `${found.url}?${this.#loads}` } : found;
      },
    });
  }

  async dryRun(): Promise<DryRunResult> {
    await this.#load();
    const result = await this.#run({ wanted: undefined, results: [], bail: false });
    for (const { fileName = '', timeSpentMs } of result.tests) this.#times.set(fileName, (this.#times.get(fileName) ?? 0) + timeSpentMs);
    this.#stale = true;
    return { ...result, ...(mutants.mutantCoverage === undefined ? {} : { mutantCoverage: spread(mutants.mutantCoverage) }) };
  }

  async mutantRun({ activeMutant, testFilter, hitLimit, mutantActivation }: MutantRunOptions): Promise<MutantRunResult> {
    const isStatic = mutantActivation === 'static';
    Object.assign(mutants, { hitLimit, hitCount: 0, activeMutant: isStatic ? activeMutant.id : undefined });
    try {
      if (isStatic || this.#stale) await this.#load();
      mutants.activeMutant = activeMutant.id;
      const result = await this.#run({ wanted: testFilter === undefined ? undefined : new Set(testFilter), results: [], bail: true });
      return toMutantRunResult(determineHitLimitReached(mutants.hitCount, hitLimit) ?? result);
    } catch (thrown) {
      // With this mutant the modules cannot even be loaded.
      return toMutantRunResult(determineHitLimitReached(mutants.hitCount, hitLimit) ?? { status: DryRunStatus.Complete, tests: [failed('loading', thrown)] });
    } finally {
      mutants.activeMutant = undefined;
      this.#stale = isStatic;
    }
  }

  async #load(): Promise<void> {
    this.#loads += 1;
    const files: Group[] = [];
    const time = (file: string): number => this.#times.get(file) ?? 0;
    for (const file of globSync(this.#tests).sort((a, b) => time(a) - time(b))) files.push(await collectFile(file, () => import(`${pathToFileURL(file).href}?${this.#loads}`)));
    this.#files = files;
    this.#stale = false;
  }

  async #run(run: Run): Promise<CompleteDryRunResult> {
    for (const file of this.#files) await runGroup(run, file, [file]);
    return { status: DryRunStatus.Complete, tests: run.results };
  }
}

const isTest = (one: Test | Group): one is Test => 'work' in one;
const idOf = (path: readonly Group[], name: string): string => [...path.map((group) => group.name), name].join(' > ');
/** Under this name counts what the `beforeAll` of a group does, until it is spread over its tests. */
const opening = ' (before)';

async function runGroup(run: Run, group: Group, path: readonly Group[]): Promise<void> {
  if (isDone(run) || !holds(run, group, path)) return;
  try {
    mutants.currentTestId = idOf(path, opening);
    for (const work of group.before) await work();
    for (const member of group.members) await (isTest(member) ? runTest(run, member, path) : runGroup(run, member, [...path, member]));
  } catch (thrown) {
    run.results.push(failed(idOf(path, opening), thrown));
  } finally {
    mutants.currentTestId = undefined;
    for (const work of group.after) await work();
  }
}

async function runTest(run: Run, { name, work }: Test, path: readonly Group[]): Promise<void> {
  const id = idOf(path, name);
  if (isDone(run) || run.wanted?.has(id) === false) return;
  mutants.currentTestId = id;
  const started = performance.now();
  const base = { id, name: id, fileName: path[0]?.name ?? '' };
  try {
    for (const group of path) for (const prepare of group.beforeEach) await prepare();
    await work();
    run.results.push({ ...base, timeSpentMs: performance.now() - started, status: TestStatus.Success });
  } catch (thrown) {
    run.results.push({ ...failed(id, thrown), ...base });
  }
}

function isDone({ bail, results }: Run): boolean {
  return bail && results.at(-1)?.status === TestStatus.Failed;
}

function holds(run: Run, group: Group, path: readonly Group[]): boolean {
  return run.wanted === undefined || group.members.some((one) => (isTest(one) ? run.wanted?.has(idOf(path, one.name)) : holds(run, one, [...path, one])));
}

function failed(id: string, thrown: unknown): TestResult {
  return { id, name: id, timeSpentMs: 0, status: TestStatus.Failed, failureMessage: String(thrown) };
}

/** Every test of a group rests on what its `beforeAll` does. */
function spread({ static: loaded, perTest }: MutantCoverage): MutantCoverage {
  const spreading = Object.keys(perTest).filter((id) => id.endsWith(opening));
  const counts = Object.entries(perTest).filter(([id]) => !id.endsWith(opening)).map(([id, own]) => {
    const all = [...spreading.filter((one) => id.startsWith(one.slice(0, -opening.length))).map((one) => perTest[one] ?? {}), own];
    return [id, Object.fromEntries(all.flatMap(Object.entries))] as const;
  });
  return { static: loaded, perTest: Object.fromEntries(counts) };
}
