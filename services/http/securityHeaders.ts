import type { IncomingMessage, ServerResponse } from 'node:http';
import helmet from 'helmet';

/** Content security policy of everything but the reference page: an API answer loads nothing. */
const apiPolicy = { defaultSrc: ["'none'"], frameAncestors: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"] };

/**
 * Content security policy of the reference page: everything from this server. RapiDoc styles its elements by `style`
 * attributes, which no hash or nonce can allow; scripts stay strict.
 */
export const docsPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The headers of helmet, worked out once: they are the same for every answer, and helmet would do them anew each time. */
export function securityHeaders(): readonly (readonly [string, string])[] {
  const headers: [string, string][] = [];
  const recorder = {
    setHeader: (name: string, value: string) => headers.push([name.toLowerCase(), value]),
    removeHeader: () => {},
  } as unknown as ServerResponse;
  const middleware = helmet({
    contentSecurityPolicy: { useDefaults: false, directives: apiPolicy },
    // TLS ends at a proxy, and it alone knows whether plain HTTP must be ruled out.
    strictTransportSecurity: false,
    // Receipts and tiles are public: any page may read them.
    crossOriginResourcePolicy: { policy: 'cross-origin' },
  });
  middleware({} as IncomingMessage, recorder, (error?: unknown) => {
    if (error) throw error;
  });
  return headers;
}
