import { fileURLToPath } from 'node:url';
import maxmind from 'maxmind';
import type { Location } from '../../core/admission/report.ts';
import { NotariumError } from '../../core/errors.ts';
import { type CallerAddress, rangeOf, specialRange, textOf } from './callerNetwork.ts';

/** Where an address belongs to; nothing of it leaves this machine. */
export type Locator = (address: CallerAddress | undefined) => Location;

const countries = import.meta.resolve('@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb');

/** Of a database of countries, and of one of autonomous systems. */
type CountryEntry = { readonly country_code?: string };
type SystemEntry = {
  readonly autonomous_system_number?: number;
  readonly autonomous_system_organization?: string;
};

/**
 * Opens the database of countries that comes with the software, and where there is one the operator's of autonomous systems (in
 * the layout of GeoLite2-ASN).
 * @throws NotariumError `file-unreadable` with data { path }.
 */
export async function openLocator(asnDatabase: string | undefined): Promise<Locator> {
  const byCountry = await openDatabase<CountryEntry>(fileURLToPath(countries));
  const bySystem = asnDatabase === undefined ? undefined : await openDatabase<SystemEntry>(asnDatabase);
  return (address) => {
    if (!address) return {};
    const range = specialRange(address);
    if (range !== undefined) return { network: range };
    const text = textOf(address.family, address.bytes);
    const [country, bits] = byCountry.getWithPrefixLength(text);
    const system = bySystem?.get(text);
    const code = country?.country_code;
    const number = system?.autonomous_system_number;
    const name = system?.autonomous_system_organization;
    return {
      ...(code !== undefined && /^[A-Z]{2}$/.test(code) ? { country: code } : {}),
      network: rangeOf(address, bits),
      ...(number === undefined ? {} : { systemNumber: number }),
      ...(name === undefined ? {} : { systemName: shortened(name) }),
    };
  };
}

async function openDatabase<T extends object>(path: string) {
  try {
    // The types of the package know the layouts of one vendor alone.
    return (await maxmind.open<T & never>(path, { cache: { max: 1_000 } })) as unknown as {
      get(address: string): T | null;
      getWithPrefixLength(address: string): [T | null, number];
    };
  } catch (cause) {
    throw new NotariumError('file-unreadable', `${path}: ${cause instanceof Error ? cause.message : cause}`, {
      data: { path },
      cause,
    });
  }
}

/** Of UTF-8, as a report has room for. */
function shortened(name: string): string {
  let text = name.toWellFormed();
  while (Buffer.byteLength(text) > 128) text = text.slice(0, -1).toWellFormed();
  return text;
}
