// SPDX-License-Identifier: Apache-2.0
// Token buckets per identity and per registry, by the categories of Microsoft Learn, "Container registry service tiers" (API throttling).
import { Refusal } from './refusal.ts';

/** What a request counts as. A referrers request counts as a read as well. */
export type Category = 'read' | 'write' | 'delete' | 'referrers' | 'oauth';

/** Requests per minute; a category that is not named is not limited. */
export interface RateLimits {
  readonly perIdentity?: Partial<Record<Category, number>>;
  readonly perRegistry?: Partial<Record<Category, number>>;
}

/** Takes a token for each bucket that the request falls in, or refuses with 429 and `Retry-After` in seconds. */
export type Throttle = (identity: string, categories: readonly Category[]) => void;

interface Bucket {
  tokens: number;
  /** Milliseconds. */
  at: number;
}

const longestWaitSeconds = 60;

/** Buckets that are full at first and fill evenly; `now` in milliseconds. */
export function createThrottle(limits: () => RateLimits | undefined, now: () => number): Throttle {
  const buckets = new Map<string, Bucket>();
  const fill = (key: string, limit: number): Bucket => {
    const bucket = buckets.get(key) ?? { tokens: limit, at: now() };
    bucket.tokens = Math.min(limit, bucket.tokens + ((now() - bucket.at) / 60_000) * limit);
    bucket.at = now();
    buckets.set(key, bucket);
    return bucket;
  };
  return (identity, categories) => {
    const current = limits();
    if (!current) return;
    const wanted = categories.flatMap((category) => [
      { key: `identity ${identity} ${category}`, limit: current.perIdentity?.[category] },
      { key: `registry ${category}`, limit: current.perRegistry?.[category] },
    ]);
    const taken = wanted.flatMap(({ key, limit }) => (limit === undefined ? [] : [{ bucket: fill(key, limit), limit }]));
    const empty = taken.find(({ bucket }) => bucket.tokens < 1);
    if (empty) throw tooMany(Math.ceil(((1 - empty.bucket.tokens) / empty.limit) * 60));
    for (const { bucket } of taken) bucket.tokens -= 1;
  };
}

function tooMany(seconds: number): Refusal {
  const wait = String(Math.min(Math.max(seconds, 1), longestWaitSeconds));
  return new Refusal({ status: 429, code: 'TOOMANYREQUESTS', message: 'too many requests, retry later', headers: { 'retry-after': wait } });
}
