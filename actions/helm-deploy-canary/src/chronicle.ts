// SPDX-License-Identifier: Apache-2.0
// What a run did and when, and what the judge saw last: kept beside the run, so that one which fails has it as well.
import type { Clock } from '@pratique/core';
import { formatWeights, type CanaryWorld, type Judgement, type TimelinePoint } from '@pratique/kube';

/** One thing that was done. */
export interface ChronicleEntry {
  readonly at: Date;
  readonly seconds: number;
  readonly words: string;
  readonly failed: boolean;
}

/** The story of one run. */
export interface Chronicle {
  readonly startedAt: Date;
  /** In the order in which they ended; at most 200. */
  readonly entries: readonly ChronicleEntry[];
  readonly timeline: readonly TimelinePoint[];
  /** Absent before the first slot. */
  readonly judgement: Judgement | undefined;
  /** The same world; what it does is noted here. */
  follow(world: CanaryWorld): CanaryWorld;
}

const mostEntries = 200;

/** Begins now. */
export function startChronicle(clock: Clock): Chronicle {
  const entries: ChronicleEntry[] = [];
  let timeline: readonly TimelinePoint[] = [];
  let judgement: Judgement | undefined;
  const note = async <T>(words: string, work: () => Promise<T>): Promise<T> => {
    const at = clock.now();
    const end = (failed: boolean): void => {
      if (entries.length < mostEntries) entries.push({ at, seconds: (clock.now().getTime() - at.getTime()) / 1000, words, failed });
    };
    try {
      const result = await work();
      end(false);
      return result;
    } catch (thrown) {
      end(true);
      throw thrown;
    }
  };
  return {
    startedAt: clock.now(), entries,
    get timeline() { return timeline; },
    get judgement() { return judgement; },
    follow: (world) => ({
      ...world, releases: followReleases(world.releases, note), traffic: followTraffic(world.traffic, note),
      requireEvidence: (signal) => note('Asked the registry for the release verdict', () => world.requireEvidence(signal)),
      watched: (seen, judged) => void ([timeline, judgement] = [seen, judged]),
    }),
  };
}

type Note = <T>(words: string, work: () => Promise<T>) => Promise<T>;

function followReleases(releases: CanaryWorld['releases'], note: Note): CanaryWorld['releases'] {
  return {
    main: (signal) => releases.main(signal),
    mendMain: (signal) => releases.mendMain(signal),
    installTwin: (arm, signal) => note(`Installed the ${arm}, and waited until it was ready`, () => releases.installTwin(arm, signal)),
    removeTwin: (arm, signal) => note(`Uninstalled the ${arm}`, () => releases.removeTwin(arm, signal)),
    upgradeMain: (signal) => note('Upgraded the release, and waited until it was ready', () => releases.upgradeMain(signal)),
    settleMain: (signal) => note('Settled the release as the chart alone renders it', () => releases.settleMain(signal)),
    rollBackMain: (revision, signal) => note(`Rolled the release back to revision ${revision}`, () => releases.rollBackMain(revision, signal)),
    removeMain: (signal) => note('Uninstalled the release, which was the first', () => releases.removeMain(signal)),
  };
}

function followTraffic(traffic: CanaryWorld['traffic'], note: Note): CanaryWorld['traffic'] {
  return {
    originals: (signal) => traffic.originals(signal),
    open: (originals, signal) => note('Attached to the traffic, at weight 0', () => traffic.open(originals, signal)),
    shift: (weights, signal) => note(`Shifted the traffic: ${formatWeights(weights)}`, () => traffic.shift(weights, signal)),
    close: (originals, signal) => note('Gave all traffic back to stable', () => traffic.close(originals, signal)),
    settle: (originals, signal) => traffic.settle(originals, signal),
  };
}
