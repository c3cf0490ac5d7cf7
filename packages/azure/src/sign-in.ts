// SPDX-License-Identifier: Apache-2.0
// A signed-in identity: tokens for whatever is asked afterwards.
import type { Context } from '@pratique/core';
import { chooseEntraWay, requireAuthority, type AzureSignIn } from './entra-way.ts';
import { createEntraTokens, type EntraTokens } from './entra.ts';

/** A signed-in identity: tokens by audience (`https://management.azure.com`, the id of an application). */
export type AzureTokens = (audience: string) => EntraTokens;

/** Signs in; asks for nothing yet. Each audience has one token at a time. Fails with `INPUT_INVALID`. */
export function signInToAzure(ctx: Context, signIn: AzureSignIn): AzureTokens {
  const way = chooseEntraWay(signIn);
  requireAuthority(signIn);
  const kept = new Map<string, EntraTokens>();
  return (audience) => {
    const tokens = kept.get(audience) ?? createEntraTokens(ctx, way, { authorityHost: signIn['azure-authority-host'], audience });
    kept.set(audience, tokens);
    return tokens;
  };
}
