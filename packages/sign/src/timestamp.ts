// SPDX-License-Identifier: Apache-2.0
// Asks a timestamp authority (RFC 3161, over HTTP as in its section 3.4) for a stamp over a signature.
import { createHash } from 'node:crypto';
import { Failure, retry, type Context } from '@pratique/core';
import { callService } from './service-call.ts';
import type { SigningServer } from './signing-config.ts';

const sha256 = Buffer.from('300d06096086480165030402010500', 'hex');

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  if (content.length > 127) throw new RangeError('only short forms are needed here');
  return Buffer.concat([Buffer.from([tag, content.length]), content]);
}

/** TimeStampReq: version 1, SHA-256 of `signature`, certReq TRUE. */
export function timestampRequest(signature: Uint8Array): Buffer {
  const hash = createHash('sha256').update(signature).digest();
  return der(0x30, der(0x02, Buffer.from([1])), der(0x30, sha256, der(0x04, hash)), der(0x01, Buffer.from([0xff])));
}

/** The TimeStampResp, DER. Fails with `SIGN_TIMESTAMP_FAILED`, or `SIGN_CONFIG_INVALID` when the request is refused. */
export async function requestTimestamp(ctx: Context, authority: SigningServer, signature: Uint8Array): Promise<Buffer> {
  // Signing configurations give the whole URL, older files only the host (as @sigstore/sign 5.1.0 and cosign do it).
  const url = new URL(authority.url).pathname === '/' ? `${authority.url}/api/v1/timestamp` : authority.url;
  const call = { url, body: timestampRequest(signature), contentType: 'application/timestamp-query', timeoutSeconds: 20, unavailable: 'SIGN_TIMESTAMP_FAILED', refused: 'SIGN_CONFIG_INVALID' } as const;
  return retry(async () => readable(url, Buffer.from((await callService(ctx, call)).bytes)), { clock: ctx.clock, signal: ctx.signal, attempts: 8, firstWaitSeconds: 0.1 });
}

// @sigstore/core 4.0.1 reads seconds with no or exactly three decimals, and DER drops trailing zeros:
// about a tenth of all millisecond stamps could never be verified by sigstore-js. Such a stamp is asked for again.
async function readable(url: string, response: Buffer<ArrayBuffer>): Promise<Buffer> {
  const { RFC3161Timestamp } = await import('@sigstore/core');
  try {
    const stamp = RFC3161Timestamp.parse(response);
    if (stamp.status > 1n) throw new Error(`status ${stamp.status}`);
    if (Number.isNaN(stamp.signingTime.getTime())) throw new Error('no time');
    return response;
  } catch (cause) {
    throw new Failure({ code: 'SIGN_TIMESTAMP_FAILED', message: `${url} gave a stamp that cannot be read`, cause });
  }
}
