// SPDX-License-Identifier: Apache-2.0
// Random counts from a seed: exact samplers, no normal approximation, so that rare errors are as rare as they should be.

/** Uniform numbers in (0, 1). */
export type Random = () => number;

/** sfc32, 53 bits, warmed up (PractRand authors' small fast counter; public domain). */
export function seededRandom(seed: number, stream: number): Random {
  let [a, b, c, d] = [seed | 0, stream | 0, 0x9e3779b9 | 0, 1];
  const next = (): number => {
    const t = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t | 0;
    return t >>> 0;
  };
  for (let round = 0; round < 20; round += 1) next();
  return () => ((next() >>> 5) * 67_108_864 + (next() >>> 6) + 0.5) / 9_007_199_254_740_992;
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
}

/** Gamma of this shape and scale 1: Marsaglia and Tsang 2000, https://doi.org/10.1145/358407.358414 */
function gamma(random: Random, shape: number): number {
  if (shape < 1) return gamma(random, shape + 1) * random() ** (1 / shape);
  const d = shape - 1 / 3;
  for (;;) {
    const x = normal(random);
    const v = (1 + x / Math.sqrt(9 * d)) ** 3;
    if (v > 0 && Math.log(random()) < x * x / 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}

function beta(random: Random, a: number, b: number): number {
  const x = gamma(random, a);
  const y = gamma(random, b);
  return x + y > 0 ? x / (x + y) : random() < a / (a + b) ? 1 : 0;
}

/** How many of `n` happen. Large counts are halved by the median of their uniform numbers: Devroye 1986, X.4.4. */
export function binomial(random: Random, n: number, share: number): number {
  let [left, p, sum] = [n, share, 0];
  while (left > 0 && p > 0) {
    if (p >= 1) return sum + left;
    if (left * Math.min(p, 1 - p) < 12) return sum + (p <= 0.5 ? few(random, left, p) : left - few(random, left, 1 - p));
    const middle = 1 + Math.floor(left / 2);
    const y = beta(random, middle, left + 1 - middle);
    if (y <= p) {
      sum += middle;
      left -= middle;
      p = (p - y) / (1 - y);
    } else {
      left = middle - 1;
      p /= y;
    }
  }
  return sum;
}

/** By the gaps between those that happen. */
function few(random: Random, n: number, p: number): number {
  const log = Math.log1p(-p);
  let [at, count] = [0, -1];
  while (at <= n) {
    at += Math.floor(Math.log(random()) / log) + 1;
    count += 1;
  }
  return count;
}

/** Poisson counts of this mean, by their distribution function, worked out once outwards from its mode. */
export function poissonCounts(mean: number): (random: Random) => number {
  if (mean <= 0) return () => 0;
  const width = Math.ceil(12 * Math.sqrt(mean) + 20);
  const mode = Math.floor(mean);
  const first = Math.max(0, mode - width);
  const weights: number[] = [];
  let weight = 1;
  for (let k = mode; k >= first; k -= 1, weight *= (k + 1) / mean) weights.push(weight);
  weights.reverse();
  weight = mean / (mode + 1);
  for (let k = mode + 1; k <= mode + width; k += 1, weight *= mean / k) weights.push(weight);
  const total = weights.reduce((sum, each) => sum + each, 0);
  let sum = 0;
  const below = Float64Array.from(weights, (each) => (sum += each) / total);
  return (random) => {
    const u = random();
    let [low, high] = [0, below.length - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((below[middle] ?? 1) < u) low = middle + 1;
      else high = middle;
    }
    return first + low;
  };
}

const poolSize = 65_536;
const pools = new Map<string, Float64Array>();

/** How many of `n` happen when they come in bursts: the share itself varies from window to window (beta), with intra-window correlation `rho`. */
export function burstyBinomial(random: Random, n: number, burst: { readonly share: number; readonly rho: number }): number {
  const { share, rho } = burst;
  if (rho <= 0 || share <= 0 || share >= 1) return binomial(random, n, share);
  const key = `${share} ${rho}`;
  const pool = pools.get(key) ?? sharePool(burst);
  pools.set(key, pool);
  return binomial(random, n, pool[Math.floor(random() * poolSize)] ?? share);
}

/** Shares drawn once, for speed, and scaled so that their mean is exact: what is simulated on a line is on the line. */
function sharePool({ share, rho }: { readonly share: number; readonly rho: number }): Float64Array {
  const random = seededRandom(Math.round(share * 1e9), Math.round(rho * 1e9));
  const size = (1 - rho) / rho;
  const pool = Float64Array.from({ length: poolSize }, () => beta(random, share * size, (1 - share) * size));
  const scale = share / (pool.reduce((sum, each) => sum + each, 0) / poolSize);
  return pool.map((each) => Math.min(1, each * scale));
}
