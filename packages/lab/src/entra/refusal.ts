// SPDX-License-Identifier: Apache-2.0
// Entra's error replies: OAuth error, AADSTS number, and the long description.
import { randomUUID } from 'node:crypto';
import { jsonReply } from '../reply.ts';

/** OAuth error with its AADSTS number. */
export interface EntraError {
  readonly error: 'invalid_request' | 'invalid_client' | 'unauthorized_client' | 'unsupported_grant_type' | 'invalid_scope';
  readonly number: number;
  readonly description: string;
}

/** An error as a value. */
export function refuse(error: EntraError['error'], number: number, description: string): EntraError {
  return { error, number, description };
}

/** 401 for a client that did not prove itself, 400 for everything else. */
export function refused({ error, number, description }: EntraError, now: Date): Response {
  const [traceId, correlationId] = [randomUUID(), randomUUID()];
  const timestamp = `${now.toISOString().slice(0, 19).replace('T', ' ')}Z`;
  return jsonReply(error === 'invalid_client' ? 401 : 400, {
    error,
    error_description: `AADSTS${number}: ${description} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`,
    error_codes: [number],
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
    error_uri: `https://login.microsoftonline.com/error?code=${number}`,
  });
}
