// SPDX-License-Identifier: Apache-2.0
// Private keys and certificates of the lab in one JSON file, so that a lab that starts again is still trusted.
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Failure, isJsonObject } from '@pratique/core';

/** Named texts (PEM, base64, JSON) that are made once and kept. */
export interface KeyStore {
  /** The kept text, or what `make` gives, which is kept from then on (after `save`). */
  keep(name: string, make: () => string | Promise<string>): Promise<string>;
  /** A private key: P-256 for signatures that others verify by certificate or key, Ed25519 for log checkpoints. */
  key(name: string, kind: 'p256' | 'ed25519'): Promise<KeyObject>;
  /** Writes what is new; the file is readable by its owner only. */
  save(): Promise<void>;
}

/** Opens or begins the store at `path`. Fails with `LAB_DATA_INVALID`. */
export async function openKeyStore(path: string): Promise<KeyStore> {
  const texts = await readTexts(path);
  let changed = false;
  const keep: KeyStore['keep'] = async (name, make) => {
    const kept = texts.get(name);
    if (kept !== undefined) return kept;
    const made = await make();
    texts.set(name, made);
    changed = true;
    return made;
  };
  return {
    keep,
    key: async (name, kind) => createPrivateKey(await keep(name, () => generateKey(kind))),
    async save() {
      if (!changed) return;
      await mkdir(dirname(path), { recursive: true });
      await writeFile(`${path}.new`, JSON.stringify(Object.fromEntries(texts), undefined, 1), { mode: 0o600 });
      await rename(`${path}.new`, path);
      changed = false;
    },
  };
}

function generateKey(kind: 'p256' | 'ed25519'): string {
  const { privateKey } = kind === 'p256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519');
  return String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
}

async function readTexts(path: string): Promise<Map<string, string>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (thrown) {
    if (isJsonObject(thrown) && thrown['code'] === 'ENOENT') return new Map();
    throw thrown;
  }
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) return new Map(Object.entries(value).map(([name, each]) => [name, String(each)]));
  } catch (cause) {
    throw new Failure({ code: 'LAB_DATA_INVALID', message: `${path} is not a key file of the lab`, hint: 'Remove the data folder; the lab makes new keys.', cause });
  }
  throw new Failure({ code: 'LAB_DATA_INVALID', message: `${path} is not a key file of the lab`, hint: 'Remove the data folder; the lab makes new keys.' });
}
