// SPDX-License-Identifier: Apache-2.0
// The Merkle tree of RFC 6962, section 2: append, root, inclusion proof.
import { createHash } from 'node:crypto';

/** A growing tree; hashes of complete subtrees are kept, so a proof costs O(log² n). */
export interface MerkleTree {
  readonly size: number;
  /** Returns the index of the new leaf. */
  append(leafHash: Buffer): number;
  /** Root of the whole tree. */
  root(): Buffer;
  /** Audit path of `index` in the whole tree, lowest first. */
  proof(index: number): Buffer[];
}

/** SHA-256 of 0x00 and the entry. */
export function hashLeaf(entry: Uint8Array): Buffer {
  return createHash('sha256').update(Buffer.from([0])).update(entry).digest();
}

function hashNode(left: Buffer, right: Buffer): Buffer {
  return createHash('sha256').update(Buffer.from([1])).update(left).update(right).digest();
}

/** The largest power of two below `count` (which is at least 2). */
function split(count: number): number {
  return 2 ** Math.floor(Math.log2(count - 1));
}

/** An empty tree. */
export function createMerkleTree(): MerkleTree {
  /** levels[k][i] is the hash of the complete subtree over leaves i·2^k … (i+1)·2^k − 1. */
  const levels: Buffer[][] = [[]];
  const leaves = levels[0] ?? [];

  const range = (start: number, end: number): Buffer => {
    const count = end - start;
    if (count === 0) return createHash('sha256').digest();
    const kept = Number.isInteger(Math.log2(count)) ? levels[Math.log2(count)]?.[start / count] : undefined;
    if (kept !== undefined) return kept;
    return hashNode(range(start, start + split(count)), range(start + split(count), end));
  };

  const path = (index: number, start: number, end: number): Buffer[] => {
    if (end - start <= 1) return [];
    const middle = start + split(end - start);
    return index < middle ? [...path(index, start, middle), range(middle, end)] : [...path(index, middle, end), range(start, middle)];
  };

  return {
    get size() {
      return leaves.length;
    },
    append(leafHash) {
      leaves.push(leafHash);
      for (let level = 0, nodes = leaves; nodes.length % 2 === 0; level += 1) {
        const above = (levels[level + 1] ??= []);
        const [left, right] = nodes.slice(-2);
        if (left === undefined || right === undefined) break;
        above.push(hashNode(left, right));
        nodes = above;
      }
      return leaves.length - 1;
    },
    root: () => range(0, leaves.length),
    proof: (index) => path(index, 0, leaves.length),
  };
}
