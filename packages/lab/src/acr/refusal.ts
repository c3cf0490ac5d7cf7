// SPDX-License-Identifier: Apache-2.0
// What the registry answers when it says no: an OCI error document (distribution-spec 1.1, "Error Codes") with ACR's own texts.

interface RefusalOptions {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** Left out of the document when absent, as ACR does for `TAG_UNKNOWN`. */
  readonly detail?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown anywhere below the router, turned into a reply by it. */
export class Refusal extends Error {
  override name = 'Refusal';
  readonly status: number;
  readonly code: string;
  readonly detail: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(options: RefusalOptions) {
    super(options.message);
    this.status = options.status;
    this.code = options.code;
    this.detail = options.detail;
    this.headers = options.headers ?? {};
  }

  toResponse(): Response {
    const body = JSON.stringify({ errors: [{ code: this.code, message: this.message, ...(this.detail === undefined ? {} : { detail: this.detail }) }] });
    return new Response(body, { status: this.status, headers: { 'content-type': 'application/json; charset=utf-8', ...this.headers, 'content-length': String(Buffer.byteLength(body)) } });
  }
}

export const blobUnknown = (digest: string): Refusal => new Refusal({ status: 404, code: 'BLOB_UNKNOWN', message: 'blob unknown to registry', detail: digest });

export const manifestUnknown = (reference: string): Refusal =>
  new Refusal({ status: 404, code: 'MANIFEST_UNKNOWN', message: `manifest ${reference} is not found`, detail: { reference } });

export const nameUnknown = (name: string): Refusal => new Refusal({ status: 404, code: 'NAME_UNKNOWN', message: 'repository name not known to registry', detail: { name } });

export const tagUnknown = (): Refusal => new Refusal({ status: 404, code: 'TAG_UNKNOWN', message: 'the specified tag does not exist' });

export const digestInvalid = (digest: string, why = 'provided digest did not match uploaded content'): Refusal =>
  new Refusal({ status: 400, code: 'DIGEST_INVALID', message: why, detail: { digest } });

export const manifestInvalid = (why: string): Refusal => new Refusal({ status: 400, code: 'MANIFEST_INVALID', message: 'manifest invalid', detail: why });

export const uploadUnknown = (id: string): Refusal => new Refusal({ status: 404, code: 'BLOB_UPLOAD_UNKNOWN', message: 'blob upload unknown to registry', detail: { id } });

/** The text that clients match for a locked object (Azure/acr-cli issue 70). */
export const locked = (): Refusal =>
  new Refusal({
    status: 405,
    code: 'REGISTRY_DISALLOWED_OPERATION',
    message:
      'The operation is disallowed on this registry, repository or image. View troubleshooting steps at https://aka.ms/acr/faq/#why-does-my-pull-or-push-request-fail-with-disallowed-operation',
    detail: {},
  });

/** JSON with its length, so that nothing needs chunked encoding. */
export function json(value: unknown, init: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {}): Response {
  const body = JSON.stringify(value);
  return new Response(body, { status: init.status ?? 200, headers: { 'content-type': 'application/json; charset=utf-8', ...init.headers, 'content-length': String(Buffer.byteLength(body)) } });
}
