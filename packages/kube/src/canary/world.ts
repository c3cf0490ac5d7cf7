// SPDX-License-Identifier: Apache-2.0
// What a canary does to the world, as ports: each can be repeated, and a run that was killed is followed by one that repeats it.
import type { Clock, Failure, Log } from '@pratique/core';
import type { Judgement } from '../judge/judgement.ts';
import type { Arm, SlotMetric } from '../judge/slot.ts';
import type { CanaryRecord } from './record.ts';
import type { Weights } from '../traffic/weights.ts';
import type { TimelinePoint } from './timeline.ts';

/** The Helm releases: the main one, and the two that live as long as the canary. */
export interface CanaryReleases {
  /** The main release as it stands; `undefined` when it was never installed. */
  main(signal: AbortSignal): Promise<MainRelease | undefined>;
  /** Ends what was left half done of the main release, when its run is proven dead. Fails with `HELM_PENDING`, before anything is begun. */
  mendMain(signal: AbortSignal): Promise<void>;
  /** Installs or repairs a twin, and waits until its pods are ready. Fails with the diagnosis. */
  installTwin(arm: Arm, signal: AbortSignal): Promise<void>;
  /** A twin that is not there is no error. */
  removeTwin(arm: Arm, signal: AbortSignal): Promise<void>;
  /** Installs or upgrades the main release to the new image, and waits until it is ready. Gives its revision. */
  upgradeMain(signal: AbortSignal): Promise<number>;
  /**
   * Writes the main release once more, as the chart alone renders it: the record of the upgrade may hold the canary's weights, and a later
   * `helm rollback` to it would send traffic to what is gone. Gives its revision.
   */
  settleMain(signal: AbortSignal): Promise<number>;
  /** Back to a revision, and waits until it is ready. */
  rollBackMain(revision: number, signal: AbortSignal): Promise<void>;
  /** Only after a first deployment that failed. */
  removeMain(signal: AbortSignal): Promise<void>;
}

/** The main release, as a canary needs to know it. */
export interface MainRelease {
  readonly revision: number;
  /** Every pod is of this revision, and ready. */
  readonly settled: boolean;
}

/** The route in front of the three. */
export interface CanaryTraffic {
  /** What has to be put back later, for the record; reads only. Fails when the route is not fit for a canary. */
  originals(signal: AbortSignal): Promise<string>;
  /** Adds the twins at weight 0. Repeating it changes nothing. */
  open(originals: string, signal: AbortSignal): Promise<void>;
  /** Sets the weights. Whether the gateway takes them shows in what it counts. Fails when somebody else changed the route. */
  shift(weights: Weights, signal: AbortSignal): Promise<void>;
  /** Puts the route back as it was; a route without our backends is left alone. */
  close(originals: string, signal: AbortSignal): Promise<void>;
  /** After that: waits until no user is sent to the twins any more, so that they can be taken away. Seconds at most. */
  settle(originals: string, signal: AbortSignal): Promise<void>;
}

/** What was counted since the last look. */
export interface Look {
  /** By metric name; an arm that could not be read is absent. */
  readonly metrics: Readonly<Record<string, SlotMetric>>;
  /** Requests by backend, to prove the split. Absent when the source does not count stable. */
  readonly requests?: Readonly<Record<keyof Weights, number>>;
}

/** An arm that cannot serve any more. */
export interface ArmLoss {
  readonly arm: Arm;
  /** Why: its code is `CANARY_NOT_READY`, its facts hold the diagnosis. Asked at once: what explains it may be gone soon. */
  explain(): Promise<Failure>;
}

/** Everything that a canary may touch. Every method can be repeated; each obeys the signal. */
export interface CanaryWorld {
  readonly clock: Clock;
  readonly log: Log;
  readonly releases: CanaryReleases;
  readonly traffic: CanaryTraffic;
  /** Asks both arms for an answer through the cluster's network, before any user does. Fails with `CANARY_UNREACHABLE`. */
  probe(signal: AbortSignal): Promise<void>;
  /** Watches the pods that have traffic until one arm cannot serve. Fails with what the cluster fails with, and with the signal's reason. */
  armLoss(signal: AbortSignal): Promise<ArmLoss>;
  /** Raw counters since the last look; the first one only sets where counting begins. What cannot be read is absent, never zero. */
  look(signal: AbortSignal): Promise<Look>;
  /** Told after each slot, so that a run which fails has something to show. */
  watched?(timeline: readonly TimelinePoint[], judgement: Judgement): void;
  /** Requires the image's release verdict. Fails with `VERDICT_*`. */
  requireEvidence(signal: AbortSignal): Promise<void>;
  /** Names of objects in the cluster that belong to a canary and are still there. Unless it is the `whole`, pods may stand for the rest: they end last. */
    residue(signal: AbortSignal, options?: { readonly whole: boolean }): Promise<readonly string[]>;
  /** The journal in the cluster. `write` fails when another run holds the lock. */
  readonly journal: {
    read(signal: AbortSignal): Promise<CanaryRecord | undefined>;
    write(record: CanaryRecord, signal: AbortSignal): Promise<void>;
    remove(signal: AbortSignal): Promise<void>;
  };
}
