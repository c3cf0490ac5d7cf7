// SPDX-License-Identifier: Apache-2.0
// The public good instance of Sigstore, by its TUF repository (https://tuf-repo-cdn.sigstore.dev).
import { Failure, parseJsonObject, type Context, type JsonObject } from '@pratique/core';

/** One target of the TUF repository. The cache lives and dies with the run. Fails with `SIGN_TRUST_UNAVAILABLE`. */
export async function readPublicGood(ctx: Context, target: string): Promise<JsonObject> {
  const { initTUF } = await import('@sigstore/tuf');
  try {
    const client = await initTUF({ cachePath: `${ctx.scratch}/sigstore-tuf`, timeout: 15_000, retry: { retries: 3 } });
    // getTarget returns the content, not a path (@sigstore/tuf 5.0.1, client.js).
    return parseJsonObject(await client.getTarget(target), target, 'SIGN_CONFIG_INVALID');
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure({ code: 'SIGN_TRUST_UNAVAILABLE', message: `${target} of the public good instance could not be fetched`, hint: 'Without a way to tuf-repo-cdn.sigstore.dev, give the inputs trusted-root and signing-config.', cause });
  }
}
