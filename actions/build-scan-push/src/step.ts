// SPDX-License-Identifier: Apache-2.0
// build-scan-push: test, build once, scan every platform, look early by policy, push exactly those bytes into quarantine.
import { Failure, formatImage, type Context, type RepositoryName } from '@pratique/core';
import type { TestReport } from '@pratique/scan';
import { buildPhase } from './build-phase.ts';
import { countFindings } from './findings.ts';
import type { Inputs, Result } from './inputs.ts';
import { pushPhase, type PushOutcome } from './push-phase.ts';
import { readScans, sarifPath, scanPhase, type EarlyLook, type ScanOutcome } from './scan-phase.ts';
import { summarize, summarizeFailedTests } from './summary.ts';
import { openTravelling } from './travelling-layout.ts';

type Phase = 'build' | 'scan' | 'push';

/** The work of the step; loaded after its inputs were read. */
export async function run(given: Inputs, ctx: Context): Promise<Result> {
  const to = requireInputs(given);
  const does = (phase: Phase): boolean => given.phases === 'all' || given.phases === phase;
  const isolation = given.phases === 'all' ? 'none' : 'job';
  const built = does('build') ? await buildPhase(given, ctx, isolation) : { notes: [] };
  if ('failedTests' in built) return testsFailed(built.failedTests);
  const scanned = does('scan') ? await scanPhase(given, ctx, isolation) : undefined;
  const refused = scanned?.look?.verdict === 'refused' && !given['push-refused'];
  const pushed = to !== undefined && !refused ? await pushPhase(given, ctx, to) : undefined;
  return answer(given, ctx, { notes: built.notes, scanned, pushed, refused });
}

/** What one input alone cannot know. Returns where to push, when this run pushes. */
function requireInputs(given: Inputs): RepositoryName | undefined {
  const problems = [
    ...(given.scanner === 'report' && (given.reports ?? []).length === 0 && given.phases !== 'build' && given.phases !== 'push' ? ['reports: scanner report needs the reports'] : []),
    ...(given.scanner === 'report' && given.phases === 'all' && given.builder !== 'layout' ? ['phases: scanner report needs the phase scan alone: reports are about an image that was built before'] : []),
    ...problemsOfBuildx(given),
    ...(['all', 'push'].includes(given.phases) && given.image === undefined ? [`image: the phase ${given.phases} pushes and needs a repository`] : []),
  ];
  if (problems.length > 0) throw new Failure({ code: 'INPUT_INVALID', message: `inputs do not fit together:\n${problems.map((problem) => `- ${problem}`).join('\n')}`, facts: { problems } });
  return ['all', 'push'].includes(given.phases) ? given.image : undefined;
}

function problemsOfBuildx({ builder, 'buildx-builder': name }: Inputs): string[] {
  if (name === undefined) return [];
  return [
    ...(['auto', 'buildx'].includes(builder) ? [] : [`buildx-builder: the builder ${builder} has no use for it`]),
    // As buildx itself wants it (store.ValidateName).
    ...(/^[A-Za-z][A-Za-z0-9._-]*$/.test(name) ? [] : [`buildx-builder: "${name.slice(0, 80)}" is no name of a builder`]),
  ];
}

function testsFailed(tests: TestReport): Result {
  return {
    outputs: { 'early-verdict': 'none' },
    summary: summarizeFailedTests(tests),
    refusal: { code: 'BUILD_TESTS_FAILED', message: `the test stage ${tests.stage} failed; nothing was built. Its last lines:\n${tests.tail.split('\n').slice(-12).join('\n')}`, hint: `Run it on your machine: docker build --target ${tests.stage} .` },
  };
}

interface Outcome {
  readonly notes: readonly string[];
  readonly scanned: ScanOutcome | undefined;
  readonly pushed: PushOutcome | undefined;
  readonly refused: boolean;
}

async function answer(given: Inputs, ctx: Context, { notes, scanned, pushed, refused }: Outcome): Promise<Result> {
  const travelling = await openTravelling(ctx, given);
  const scans = scanned?.scans ?? (await readScans(travelling));
  return {
    outputs: {
      image: pushed ? formatImage(pushed.image) : '', evidence: pushed ? formatImage(pushed.evidence) : '', digest: travelling.image.digest, layout: given.layout,
      'early-verdict': scanned?.look?.verdict ?? 'none', findings: scans.length > 0 ? JSON.stringify(countFindings(scans)) : '', sarif: scanned ? sarifPath(given.layout) : '',
    },
    summary: summarize({ image: pushed?.image, evidenceImage: pushed?.evidence, digest: travelling.image.digest, evidence: travelling.content, scans, sarif: scanned ? sarifPath(given.layout) : '', look: scanned?.look, notes, refused }),
    ...(refused && scanned?.look ? { refusal: refusalOf(travelling.image.digest, scanned.look) } : {}),
  };
}

function refusalOf(digest: string, look: EarlyLook): NonNullable<Result['refusal']> {
  const denied = look.reasons.filter((reason) => reason.effect === 'deny');
  const lines = denied.slice(0, 20).map((reason) => `- ${reason.code}: ${reason.message}. ${reason.mend}`);
  return {
    code: 'BUILD_EARLY_REFUSED', message: `${digest} cannot pass the policy and is not pushed:\n${lines.join('\n')}${denied.length > lines.length ? `\n- and ${denied.length - lines.length} more` : ''}`,
    hint: 'Mend the findings. To look at the image in quarantine all the same, set push-refused: true; the gate will refuse it there.',
  };
}
