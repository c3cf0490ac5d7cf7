// SPDX-License-Identifier: Apache-2.0
// What Resource Manager answers when it refuses (https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors).
import { jsonReply } from '../reply.ts';

/** Resource Manager's own errors are wrapped; those of the AKS resource provider are not. */
const refused = (status: number, code: string, message: string): Response => jsonReply(status, { error: { code, message } });

/** Without a token, with one of another audience, or one that is not of this tenant. */
export function unauthorized(reason: 'missing' | 'audience' | 'invalid', audience = ''): Response {
  const [code, message] = {
    missing: ['AuthenticationFailed', "Authentication failed. The 'Authorization' header is missing."],
    audience: ['InvalidAuthenticationTokenAudience', `The access token has been obtained for wrong audience or resource. It should exactly match with one of the allowed audiences '${audience}'.`],
    invalid: ['InvalidAuthenticationToken', 'The access token is invalid.'],
  }[reason] as [string, string];
  return refused(401, code, message);
}

export function forbidden(principal: string, action: string, scope: string): Response {
  return refused(403, 'AuthorizationFailed', `The client '${principal}' with object id '${principal}' does not have authorization to perform action '${action}' over scope '${scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.`);
}

export function notFound(path: string): Response {
  const [, type = '', name = ''] = /\/providers\/([^/]+\/[^/]+)\/([^/]+)/.exec(path) ?? [];
  const group = /\/resourceGroups\/([^/]+)/i.exec(path)?.[1] ?? '';
  return refused(404, 'ResourceNotFound', `The Resource '${type}/${name}' under resource group '${group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`);
}

export function badApiVersion(given: string | null): Response {
  return given === null
    ? refused(400, 'MissingApiVersionParameter', 'The api-version query parameter (?api-version=) is required for all requests.')
    : refused(400, 'InvalidApiVersionParameter', `The api-version '${given}' is invalid.`);
}

/** Said by AKS to everybody when local accounts are disabled and there is no Entra integration. */
export function staticCredentialRefused(): Response {
  return jsonReply(400, { code: 'BadRequest', message: 'Getting static credential is not allowed because this cluster is set to disable local accounts.' });
}
