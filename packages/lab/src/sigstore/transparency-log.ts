// SPDX-License-Identifier: Apache-2.0
// What both log APIs share: a journal, its Merkle tree, its index of equal entries, and checkpoints
// (signed notes, https://github.com/transparency-dev/formats/blob/main/log/README.md).
import { createHash, createPublicKey, sign, type KeyObject } from 'node:crypto';
import type { JournalEntry } from './journal.ts';
import { openJournal } from './journal.ts';
import { createMerkleTree, hashLeaf } from './merkle.ts';

/** Proof that an entry is in the tree of the checkpoint. */
export interface Inclusion {
  readonly index: number;
  readonly size: number;
  readonly root: Buffer;
  readonly hashes: readonly Buffer[];
  readonly checkpoint: string;
}

/** An append-only log with one signing key. */
export interface TransparencyLog {
  /** SHA-256 that entries name as their log. */
  readonly id: Buffer;
  readonly publicKey: KeyObject;
  readonly size: number;
  /** Appends, or tells that an equal entry is there already. */
  append(body: Buffer, time: number): { readonly index: number; readonly added: boolean };
  entry(index: number): JournalEntry | undefined;
  /** Index of the entry with this leaf hash (hex). */
  find(leafHash: string): number | undefined;
  leafHash(index: number): string;
  prove(index: number): Inclusion;
  checkpoint(): string;
  close(): void;
}

/** Which log. */
export interface LogOptions {
  readonly path: string;
  readonly key: KeyObject;
  /** First line of each checkpoint. */
  readonly origin: string;
  /** Name in the signature line; verifiers compare it with the host of the log's base URL. */
  readonly signer: string;
}

/** SHA-256 of the key as SubjectPublicKeyInfo; for Ed25519 the key id of a signed note (https://c2sp.org/signed-note), in full. */
export function logId(publicKey: KeyObject, signer: string): Buffer {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  if (publicKey.asymmetricKeyType !== 'ed25519') return createHash('sha256').update(spki).digest();
  return createHash('sha256').update(`${signer}\n`).update(Buffer.from([1])).update(spki.subarray(-32)).digest();
}

/** Opens the log; every entry that was there is put back into the tree. */
export function openTransparencyLog(options: LogOptions): TransparencyLog {
  const journal = openJournal(options.path);
  const tree = createMerkleTree();
  const known = new Map<string, number>();
  const hashes: string[] = [];
  const plant = (body: Buffer): number => {
    const leaf = hashLeaf(body);
    const index = tree.append(leaf);
    known.set(leaf.toString('hex'), index);
    hashes.push(leaf.toString('hex'));
    return index;
  };
  for (const entry of journal.entries) plant(entry.body);
  const publicKey = createPublicKey(options.key);
  const id = logId(publicKey, options.signer);
  const checkpoint = (): string => {
    const note = `${options.origin}\n${tree.size}\n${tree.root().toString('base64')}\n`;
    const signature = sign(publicKey.asymmetricKeyType === 'ed25519' ? undefined : 'sha256', Buffer.from(note), options.key);
    return `${note}\n\u2014 ${options.signer} ${Buffer.concat([id.subarray(0, 4), signature]).toString('base64')}\n`;
  };
  return {
    id,
    publicKey,
    get size() {
      return tree.size;
    },
    append(body, time) {
      const equal = known.get(hashLeaf(body).toString('hex'));
      if (equal !== undefined) return { index: equal, added: false };
      journal.append({ body, time });
      return { index: plant(body), added: true };
    },
    entry: (index) => journal.entries[index],
    find: (leafHash) => known.get(leafHash),
    leafHash: (index) => hashes[index] ?? '',
    prove: (index) => ({ index, size: tree.size, root: tree.root(), hashes: tree.proof(index), checkpoint: checkpoint() }),
    checkpoint,
    close: () => journal.close(),
  };
}
