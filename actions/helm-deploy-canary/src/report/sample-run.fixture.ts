// SPDX-License-Identifier: Apache-2.0
// For tests: records of runs as the real judge would end them, from made-up traffic.
import { Failure, type PinnedImage } from '@pratique/core';
import {
  allStable, explainJudgement, forecast, judgeSlot, planJudge, startJudge, weightsFor,
  type CanaryEnd, type JudgeSettings, type Judgement, type SlotMetric, type TimelinePoint,
} from '@pratique/kube';
import type { Chronicle } from '../chronicle.ts';
import { recordRun, type RunFacts, type RunRecord } from '../run-record.ts';

export const image: PinnedImage = { registry: 'contoso.azurecr.io', repository: 'acme/shop', digest: `sha256:${'4f'.repeat(32)}` };
const startedAt = new Date('2026-11-21T15:00:00Z');
const later = (seconds: number): Date => new Date(startedAt.getTime() + seconds * 1000);
const slow = 'requests slower than 0.25 s';
const failed = 'failed requests';

/** What goes wrong, as shares. */
export interface Traffic {
  readonly failures: number;
  readonly slow: number;
}

interface Seen {
  readonly settings: JudgeSettings;
  readonly judgement: Judgement;
  readonly timeline: readonly TimelinePoint[];
}

/** Steps of 5, 10, 25 and 50 percent, 60 s each, 80 requests a second in all. */
function judge(canary: Traffic): Seen {
  const settings = planJudge({ metrics: [{ name: failed, historyRho: 0.001 }, { name: slow, historyRho: 0.001 }] });
  let state = startJudge(settings);
  const timeline: TimelinePoint[] = [];
  for (let second = 5; ; second += 5) {
    const weights = weightsFor([5, 10, 25, 50][Math.min(3, Math.floor((second - 1) / 60))] ?? 50);
    const requests = Math.round(4 * weights.canary);
    // Uneven, but the same in every run.
    const count = (share: number, shift: number): number => Math.min(requests, Math.round(requests * share * (1 + 0.8 * Math.sin(second * shift))));
    const pair = (bad: number, good: number, shift: number): SlotMetric => ({ canary: { requests, failures: count(bad, shift) }, baseline: { requests, failures: count(good, shift + 0.31) } });
    const counts = { [failed]: pair(canary.failures, 0.002, 0.7), [slow]: pair(canary.slow, 0.05, 1.3) };
    const next = judgeSlot(state, { elapsedSeconds: second, metrics: counts });
    state = next.state;
    timeline.push({ elapsedSeconds: second, weights, alarm: next.judgement.alarm.evidence, promote: next.judgement.promote.evidence, counts });
    const { verdict } = next.judgement;
    if (verdict === 'rollback' || second >= 600 || (second >= 240 && verdict !== 'wait')) return { settings, judgement: next.judgement, timeline };
  }
}

const arms: RunFacts['deployment']['arms'] = (() => {
  const object = (kind: string, name: string) => ({ apiVersion: 'v1', kind, metadata: { name } });
  const arm = (name: 'canary' | 'baseline') => ({
    arm: name, original: 'shop', deployment: `shop-${name}`, service: `shop-${name}`, podLabels: {}, unpinned: [], shared: ['Secret shop-database'],
    objects: [object('ConfigMap', `shop-${name}`), object('Deployment', `shop-${name}`), object('Service', `shop-${name}`)],
    leftOut: [{ object: 'HTTPRoute web/shop', reason: 'routes stay those of stable' }, { object: 'Job web/shop-migrate', reason: 'it is a hook (pre-upgrade): hooks run once, with the release itself' }],
  });
  return { canary: arm('canary'), baseline: arm('baseline') };
})();

function record(seen: Seen, end: CanaryEnd | Failure, chronicle: Partial<Chronicle> = {}): RunRecord {
  const { settings, timeline, judgement } = seen;
  const [metric] = settings.metrics;
  if (metric === undefined) throw new Error('there are metrics');
  const words = forecast({ settings, metric, steps: [{ seconds: 60, baselineRate: 4, canaryRate: 4 }], baselineShare: 0.002 }).words;
  const last = timeline.at(-1)?.elapsedSeconds ?? 0;
  const done: readonly (readonly [number, number, string, boolean])[] = [
    [0, 0.4, 'Asked the registry for the release verdict', false], [0.5, 6.2, 'Installed the baseline, and waited until it was ready', false], [0.5, 7.1, 'Installed the canary, and waited until it was ready', end instanceof Failure],
    ...(end instanceof Failure ? [] : [[8, 0.1, 'Attached to the traffic, at weight 0', false] as const, [8.2, 2.1, 'Shifted the traffic: stable 90 %, baseline 5 %, canary 5 %', false] as const, [last + 12, 0.2, 'Gave all traffic back to stable', false] as const]),
    [last + 12, 1.4, 'Uninstalled the canary', false], [last + 12, 1.5, 'Uninstalled the baseline', false],
  ];
  return recordRun({
    given: { release: 'shop', namespace: 'web', chart: './chart' }, image, server: 'https://shop-production.hcp.westeurope.azmk8s.io:443', run: 'https://github.com/acme/shop/actions/runs/4711', now: later(last + 15),
    findings: [{ code: 'IMAGE_NOT_PINNED', object: 'Job web/shop-migrate, container migrate', problem: 'its image is a tag, which can move', mend: 'image: registry/repository@sha256:…' }],
    deployment: { arms, strategy: 'canary', remarks: [], judging: { settings, forecast: words, look: () => Promise.reject(new Error('nobody looks')) } },
    chronicle: { startedAt, timeline, judgement, entries: done.map(([after, seconds, what, bad]) => ({ at: later(after), seconds, words: what, failed: bad })), follow: (world) => world, ...chronicle },
  }, end);
}

/** A run that the judge ended; the record is signed when something was proven. */
export function judgedRun(canary: Traffic): RunRecord {
  const seen = judge(canary);
  const { judgement, settings, timeline } = seen;
  const result = judgement.verdict === 'promote' ? { verdict: 'promoted' } as const : judgement.verdict === 'rollback' ? { verdict: 'rolled-back', code: 'CANARY_REGRESSION' } as const : { verdict: 'insufficient', code: 'CANARY_INSUFFICIENT' } as const;
  const told = record(seen, { ...result, words: explainJudgement(judgement, settings), judgement, reached: timeline.at(-1)?.weights ?? allStable, timeline, revision: result.verdict === 'promoted' ? 8 : 7 });
  return result.verdict === 'insufficient' ? told : { ...told, attestation: `sha256:${'ab'.repeat(32)}` };
}

/** A canary that crashes before it is ready. */
export function crashedRun(): RunRecord {
  const findings = [{
    code: 'CRASH_EXIT', object: 'Pod web/shop-canary-6d9f7c-x2x9q, container web', cause: 'it ended with exit code 1, 4 times', mend: 'The last lines of its log say why.',
    evidence: ['Warning BackOff: Back-off restarting failed container web', 'log: reading configuration from /etc/shop/config.yaml', "log: Error: connect to postgres://shop:***@database:5432: password authentication failed for user 'shop'", 'log:     at Database.open (file:///app/database.js:41:11)'],
  }];
  const failure = new Failure({ code: 'CANARY_NOT_READY', message: 'the canary does not get ready: CRASH_EXIT: Pod web/shop-canary-6d9f7c-x2x9q, container web: it ended with exit code 1, 4 times', hint: 'The last lines of its log say why.', facts: { cause: 'CRASH_EXIT', findings } });
  return record({ ...judge({ failures: 0.002, slow: 0.05 }), timeline: [] }, failure, { timeline: [], judgement: undefined });
}
