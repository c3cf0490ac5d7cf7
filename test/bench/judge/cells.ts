// SPDX-License-Identifier: Apache-2.0
// The table: which truths are simulated, and what is claimed of each.
import { judgeDefaults, type Line, type MetricPlan, type TrafficStep } from '@pratique/kube';
import { boundaries, serviceShares, sharesOn, type Shares } from './traffic.ts';

/** One row. */
export interface Cell {
  readonly group: string;
  readonly name: string;
  readonly steps: readonly TrafficStep[];
  /** Without a history (first deploy) the judge assumes its default. */
  readonly history: boolean;
  readonly metrics: readonly Omit<MetricPlan, 'historyRho'>[];
  readonly rho: number;
  readonly baseline?: Shares;
  readonly canary: Shares;
  /** The canary is as good as the baseline until then. Default 0. */
  readonly faultSeconds?: number;
  /** Shares of runs: at most so many may be rolled back or promoted at any time, at least so many must be. */
  readonly claims: { readonly rollbackAtMost?: number; readonly promoteAtMost?: number; readonly rollbackAtLeast?: number; readonly promoteAtLeast?: number; readonly environmentAtLeast?: number };
}

const { alpha, beta, alarm, promote } = judgeDefaults;
const failing = (failures: number): Shares => ({ failures, slow: [] });
const equal = (rate: number): TrafficStep[] => [{ seconds: 600, baselineRate: rate, canaryRate: rate }];
const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`;
const bursts = (rho: number): string => (rho === 0 ? 'no bursts' : `bursts ${rho}`);
const on = (line: Line, share: number): Shares => sharesOn(failing(share), line);
const plain: Pick<Cell, 'history' | 'metrics'> = { history: true, metrics: [{ name: 'failures' }] };
const each = <A, B>(as: readonly A[], bs: readonly B[]): [A, B][] => as.flatMap((a) => bs.map((b): [A, B] => [a, b]));
/** Requests per second and arm, and correlation of failures within a slot. */
const arrivals = [[20, 0], [20, 0.01], [200, 0], [200, 0.01]] as const;

const noDifference = each([0.001, 0.01, 0.05], [[2, 0], ...arrivals] as const).map(([share, [rate, rho]]): Cell => ({
  ...plain, group: 'No difference', name: `${percent(share)}, ${rate}/s, ${bursts(rho)}`, steps: equal(rate), rho, baseline: failing(share), canary: failing(share), claims: { rollbackAtMost: alpha },
}));

const onLine = (group: string, line: Line, claims: Cell['claims']): Cell[] => each([0.001, 0.01, 0.05], arrivals.filter(([rate, rho]) => rate === 20 || rho > 0)).map(([share, [rate, rho]]) => ({
  ...plain, group, name: `${percent(share)}, ${rate}/s, ${bursts(rho)}`, steps: equal(rate), rho, baseline: failing(share), canary: on(line, share), claims,
}));
const onAlarmLine = onLine('Exactly on the alarm line', alarm, { rollbackAtMost: alpha });
const onPromoteLine = onLine('Exactly on the promote line', promote, { promoteAtMost: beta });

/** From, by, rate, bursts, least share found, and when the fault begins. */
const faults: readonly (readonly [number, number, number, number, number, number?])[] = [
  [0.001, 0.01, 20, 0, 0.97], [0.001, 0.01, 200, 0, 0.99], [0.001, 0.01, 200, 0.01, 0.99], [0.001, 0.05, 20, 0.01, 0.99],
  [0.01, 0.01, 20, 0, 0.8], [0.01, 0.02, 20, 0, 0.99], [0.01, 0.02, 20, 0.01, 0.95], [0.05, 0.02, 200, 0, 0.99], [0.001, 0.02, 20, 0, 0.95, 300], [0.01, 0.02, 200, 0, 0.99, 300],
];
const detection = faults.map(([share, more, rate, rho, least, from = 0]): Cell => ({
  ...plain, group: 'Regression', name: `${percent(share)} to ${percent(share + more)}, ${rate}/s, ${bursts(rho)}${from > 0 ? `, from ${from} s` : ''}`, steps: equal(rate), rho,
  baseline: failing(share), canary: failing(share + more), faultSeconds: from, claims: { rollbackAtLeast: least },
}));

/** 5, 10, 25, 50 % to the canary, the rest to the baseline, two and a half minutes each. */
const ramp = (total: number): TrafficStep[] => [0.05, 0.1, 0.25, 0.5].map((weight) => ({ seconds: 150, baselineRate: total * (1 - weight), canaryRate: total * weight }));
const steps = ([[0.001, 100, 0], [0.01, 100, 0.01]] as const).flatMap(([share, total, rho]): Cell[] => {
  const row = { ...plain, steps: ramp(total), rho, baseline: failing(share) };
  const name = `${percent(share)}, ${total}/s, ${bursts(rho)}`;
  return [
    { ...row, group: 'Weights 5, 10, 25, 50 %', name: `${name}: no difference`, canary: failing(share), claims: { rollbackAtMost: alpha } },
    { ...row, group: 'Weights 5, 10, 25, 50 %', name: `${name}: on the alarm line`, canary: on(alarm, share), claims: { rollbackAtMost: alpha } },
    { ...row, group: 'Weights 5, 10, 25, 50 %', name: `${name}: on the promote line`, canary: on(promote, share), claims: { promoteAtMost: beta } },
    { ...row, group: 'Weights 5, 10, 25, 50 %', name: `${name}: + 3 %`, canary: failing(share + 0.03), claims: { rollbackAtLeast: 0.95 } },
  ];
});

/** Behind an Ingress there is no second arm: the canary is held against the nine or nineteen parts that stable has of 200/s. */
const besideStable = each([9, 19], [[0.001, 0], [0.01, 0.01]] as const).flatMap(([parts, [share, rho]]): Cell[] => {
  const row = { ...plain, group: 'Beside stable itself, 200/s', steps: [{ seconds: 600, baselineRate: (200 * parts) / (parts + 1), canaryRate: 200 / (parts + 1) }], rho, baseline: failing(share) };
  const name = `1:${parts}, ${percent(share)}, ${bursts(rho)}`;
  return [
    { ...row, name: `${name}: no difference`, canary: failing(share), claims: { rollbackAtMost: alpha } },
    { ...row, name: `${name}: on the alarm line`, canary: on(alarm, share), claims: { rollbackAtMost: alpha } },
    { ...row, name: `${name}: on the promote line`, canary: on(promote, share), claims: { promoteAtMost: beta } },
    { ...row, name: `${name}: + 3 %`, canary: failing(share + 0.03), claims: { rollbackAtLeast: 0.95 } },
  ];
});

const service = serviceShares(0.01, 0.1);
const together: Pick<Cell, 'group' | 'history' | 'metrics' | 'baseline'> = {
  group: 'Failures and latency together', history: true, baseline: service,
  metrics: [{ name: 'failures', weight: 3 }, ...boundaries.map((boundary) => ({ name: `slower than ${boundary * 1000} ms`, weight: 1 }))],
};
const latency: Cell[] = [
  { ...together, name: '20/s, bursts 0.01: no difference', steps: equal(20), rho: 0.01, canary: service, claims: { rollbackAtMost: alpha } },
  { ...together, name: '20/s: all on the alarm line', steps: equal(20), rho: 0, canary: sharesOn(service, alarm), claims: { rollbackAtMost: alpha } },
  { ...together, name: '200/s: failures on the promote line', steps: equal(200), rho: 0, canary: { failures: on(promote, 0.01).failures, slow: service.slow }, claims: { promoteAtMost: beta } },
  { ...together, name: '200/s: answers take 1.2 times as long', steps: equal(200), rho: 0, canary: serviceShares(0.01, 0.12), claims: { rollbackAtLeast: 0.99 } },
  { ...together, name: '20/s: failures 1 % to 4 %', steps: equal(20), rho: 0, canary: serviceShares(0.04, 0.1), claims: { rollbackAtLeast: 0.95 } },
];

const limit = 0.01;
const alone = (rate: number): TrafficStep[] => [{ seconds: 600, baselineRate: 0, canaryRate: rate }];
const limited = { group: 'First deploy, limit 1 %', history: false, metrics: [{ name: 'failures', limit }] };
const firstDeploy: Cell[] = [
  ...arrivals.map(([rate, rho]): Cell => ({ ...limited, name: `exactly ${percent(limit)}, ${rate}/s, ${bursts(rho)}`, steps: alone(rate), rho, canary: failing(limit), claims: { rollbackAtMost: alpha, promoteAtMost: beta } })),
  { ...limited, name: '0.1 %, 20/s, no bursts', steps: alone(20), rho: 0, canary: failing(0.001), claims: { rollbackAtMost: alpha, promoteAtLeast: 0.95 } },
  { ...limited, name: '5 %, 20/s, no bursts', steps: alone(20), rho: 0, canary: failing(0.05), claims: { promoteAtMost: beta, rollbackAtLeast: 0.95 } },
  { ...limited, name: '5 %, 200/s, bursts 0.01', steps: alone(200), rho: 0.01, canary: failing(0.05), claims: { promoteAtMost: beta, rollbackAtLeast: 0.95 } },
  { ...limited, name: 'beside it a baseline at 5 %, canary 0.5 %, 20/s', steps: equal(20), rho: 0, baseline: failing(0.05), canary: failing(0.005), claims: { rollbackAtMost: alpha, environmentAtLeast: 0.95 } },
];

/** All rows, in the order of the table: those first that come closest to what is claimed. */
export const cells: readonly Cell[] = [...onAlarmLine, ...onPromoteLine, ...firstDeploy, ...steps, ...latency, ...detection, ...noDifference, ...besideStable];
