// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createMerkleTree, hashLeaf } from './merkle.ts';

const hash = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();

/** RFC 6962, 2.1, taken literally. */
function rootOf(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return hash();
  if (leaves.length === 1) return leaves[0] ?? hash();
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return hash(Buffer.from([1]), rootOf(leaves.slice(0, k)), rootOf(leaves.slice(k)));
}

/** RFC 9162, 2.1.3.2: verifies an inclusion proof, which our code never does itself. */
function climb(leaf: Buffer, index: number, size: number, proof: readonly Buffer[]): Buffer {
  let [fn, sn, r] = [index, size - 1, leaf];
  for (const node of proof) {
    if (fn % 2 === 1 || fn === sn) {
      r = hash(Buffer.from([1]), node, r);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn >> 1, sn >> 1];
    } else r = hash(Buffer.from([1]), r, node);
    [fn, sn] = [fn >> 1, sn >> 1];
  }
  return r;
}

describe('Merkle tree', () => {
  test('root and every proof of every size up to 40 follow RFC 6962', () => {
    const tree = createMerkleTree();
    const leaves: Buffer[] = [];
    expect(tree.root().toString('hex')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    for (let size = 1; size <= 40; size += 1) {
      const leaf = hashLeaf(Buffer.from(`entry ${size}`));
      leaves.push(leaf);
      expect(tree.append(leaf)).toBe(size - 1);
      expect(tree.root()).toEqual(rootOf(leaves));
      leaves.forEach((each, index) => expect(climb(each, index, size, tree.proof(index))).toEqual(tree.root()));
    }
    expect(tree.size).toBe(40);
  });

  test('a leaf is not a node: its hash has the prefix 0', () => {
    expect(hashLeaf(Buffer.alloc(0)).toString('hex')).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d');
  });
});
