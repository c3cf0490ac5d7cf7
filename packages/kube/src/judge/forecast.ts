// SPDX-License-Identifier: Apache-2.0
// How long a run will need, before it starts: what can be seen within the horizon at this traffic, and when.
import { dispersionOf, stakesOf, type Line } from './bet.ts';
import { formatShare } from './judgement.ts';
import type { JudgeSettings, MetricSettings } from './settings.ts';

/** A step of the rollout and the traffic expected in it. The last step goes on for as long as needed. */
export interface TrafficStep {
  readonly seconds: number;
  /** Requests per second to all pods of the arm together; 0 for a baseline that is not there. */
  readonly baselineRate: number;
  readonly canaryRate: number;
}

/** What is to be forecast. */
export interface ForecastOptions {
  readonly settings: JudgeSettings;
  /** A metric of the settings. */
  readonly metric: MetricSettings;
  readonly steps: readonly TrafficStep[];
  /** Share of failures that stable has now, 0 to 1. */
  readonly baselineShare: number;
  /** The other metrics with stable's shares: a canary is proven good when each is. */
  readonly others?: readonly { readonly metric: MetricSettings; readonly baselineShare: number }[];
  /** The regression asked for: how much larger the canary's share is. Default 0.01. */
  readonly regression?: number;
}

/** Seconds from the first traffic until half and nine in ten of such runs are decided; absent when not within a day. */
export interface Wait {
  readonly half?: number;
  readonly most?: number;
}

/** The forecast for one metric. */
export interface Forecast {
  readonly regression: number;
  readonly rollback: Wait;
  /** For a canary as good as the baseline. Not before the minimum dwell. */
  readonly promote: Wait;
  /** Smallest regression that nine runs in ten see within the horizon; absent when none below 100 %. */
  readonly smallestVisible?: number;
  /** The forecast in words. */
  readonly words: string;
}

const day = 86_400;
/** Standard normal quantile of 0.9: the normal approximation to the sum of evidence. */
const ninety = 1.2815515655446004;

/** Forecasts from the mean and variance of what each bet gains per slot, by the bet that gets there first. */
export function forecast(options: ForecastOptions): Forecast {
  const { settings, metric, baselineShare, others = [], regression = 0.01 } = options;
  const alarmNeeded = Math.log((2 * settings.alarmBets.length) / (settings.alpha * metric.weight));
  const promoteNeeded = Math.log(settings.promoteBets.length / settings.beta);
  const see = (size: number, limit: number): Wait => waitFor(options, { bets: settings.alarmBets, line: metric.alarm, canaryShare: baselineShare + size, needed: alarmNeeded, limit });
  const rollback = see(regression, day);
  const clear = latest([{ metric, baselineShare }, ...others].map((one) => waitFor({ ...options, ...one }, { bets: settings.promoteBets, line: one.metric.promote, canaryShare: one.baselineShare, needed: promoteNeeded, limit: day })));
  const dwell = (seconds: number): number => Math.max(seconds, settings.minimumDwellSeconds);
  const promote = { ...(clear.half !== undefined && { half: dwell(clear.half) }), ...(clear.most !== undefined && { most: dwell(clear.most) }) };
  const smallestVisible = smallest(1 - baselineShare, (size) => see(size, settings.horizonSeconds).most !== undefined);
  const result = { regression, rollback, promote, ...(smallestVisible !== undefined && { smallestVisible }) };
  return { ...result, words: describe(options, result) };
}

/** Until all have come; absent when one does not. */
function latest(waits: readonly Wait[]): Wait {
  const last = (key: keyof Wait): Wait => (waits.every((wait) => wait[key] !== undefined) ? { [key]: Math.max(...waits.map((wait) => wait[key] ?? 0)) } : {});
  return { ...last('half'), ...last('most') };
}

interface Question {
  readonly bets: readonly number[];
  readonly line: Line;
  readonly canaryShare: number;
  readonly needed: number;
  /** Seconds to look ahead. */
  readonly limit: number;
}

function waitFor({ settings, metric, steps, baselineShare }: ForecastOptions, { bets, line, canaryShare, needed, limit }: Question): Wait {
  const sums = bets.map(() => ({ gain: 0, variance: 0 }));
  const rho = Math.max(settings.rhoFloor, metric.historyRho);
  let half: number | undefined;
  for (let end = settings.slotSeconds; end <= limit; end += settings.slotSeconds) {
    const step = stepAt(steps, end);
    const requests = { baseline: step.baselineRate * settings.slotSeconds, canary: step.canaryRate * settings.slotSeconds };
    if (requests.canary > 0 && (line.relative === 0 || requests.baseline > 0)) {
      const failures = { baseline: requests.baseline * baselineShare, canary: requests.canary * canaryShare };
      stakesOf({ bets, line, requests, rho }).forEach((stake, index) => {
        const sum = sums[index] ?? { gain: 0, variance: 0 };
        sum.gain += failures.canary * stake.perCanaryFailure + failures.baseline * stake.perBaselineFailure + stake.perWindow;
        sum.variance += dispersionOf(requests.canary, rho) * failures.canary * stake.perCanaryFailure ** 2 + dispersionOf(requests.baseline, rho) * failures.baseline * stake.perBaselineFailure ** 2;
      });
    }
    const reached = (z: number): boolean => sums.some(({ gain, variance }) => gain - z * Math.sqrt(variance) >= needed);
    if (half === undefined && reached(0)) half = end;
    if (reached(ninety)) return { ...(half !== undefined && { half }), most: end };
  }
  return half === undefined ? {} : { half };
}

function stepAt(steps: readonly TrafficStep[], end: number): TrafficStep {
  let start = 0;
  for (const step of steps) {
    start += step.seconds;
    if (end <= start) return step;
  }
  return steps.at(-1) ?? { seconds: 0, baselineRate: 0, canaryRate: 0 };
}

/** Bisection: larger regressions are seen sooner. */
function smallest(largest: number, isVisible: (size: number) => boolean): number | undefined {
  if (!isVisible(largest)) return undefined;
  let [low, high] = [0, largest];
  for (let round = 0; round < 20; round += 1) {
    const middle = (low + high) / 2;
    if (isVisible(middle)) high = middle;
    else low = middle;
  }
  return high;
}

function describe({ settings, steps }: ForecastOptions, { regression, rollback, promote, smallestVisible }: Omit<Forecast, 'words'>): string {
  const rates = [...new Set(steps.map((step) => step.canaryRate))];
  const rate = rates.length > 1 ? `${Math.min(...rates)} to ${Math.max(...rates)}` : `${rates[0] ?? 0}`;
  const horizon = formatMinutes(settings.horizonSeconds);
  const seen = rollback.most === undefined ? `a ${formatShare(regression)} regression cannot be told from chance within a day` : `you need about ${formatMinutes(rollback.most)} to see a ${formatShare(regression)} regression`;
  const least = smallestVisible === undefined ? `No regression is visible within ${horizon}` : `Within ${horizon} the smallest that nine runs in ten see is ${formatShare(smallestVisible)}`;
  const good = promote.half === undefined ? 'a good canary is not proven within a day' : `a good canary is proven after about ${formatMinutes(promote.half)}`;
  return `At ${rate} requests/s to the canary ${seen}; ${good}. ${least}.`;
}

function formatMinutes(seconds: number): string {
  return seconds < 100 ? `${Math.round(seconds)} s` : seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}
