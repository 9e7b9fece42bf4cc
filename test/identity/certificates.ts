/**
 * Self-signed certificates, good until 2126, in base64 of their DER. The names of `EVIL` hold what
 * would be other names if somebody split them at commas.
 */
export interface TestCertificate {
  readonly der: string;
  readonly pem: string;
}

const certificate = (...lines: readonly string[]): TestCertificate => {
  const der = lines.join('');
  const body = (der.match(/.{1,64}/g) ?? []).join('\n');
  return { der, pem: `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n` };
};

/** CN=orders,O=Shop\, Inc,C=DE; URI:spiffe://shop/ns/orders, DNS:orders.shop */
export const ORDERS = certificate(
  'MIIB7zCCAZSgAwIBAgIUDuzXxxc0iIHRSUdC6r5wkVjJ3dUwCgYIKoZIzj0EAwIwMjELMAkGA1UEBhMCREUxEjAQ',
  'BgNVBAoMCVNob3AsIEluYzEPMA0GA1UEAwwGb3JkZXJzMCAXDTI2MTEyNDEzMjkzNFoYDzIxMjYxMDMxMTMyOTM0',
  'WjAyMQswCQYDVQQGEwJERTESMBAGA1UECgwJU2hvcCwgSW5jMQ8wDQYDVQQDDAZvcmRlcnMwWTATBgcqhkjOPQIB',
  'BggqhkjOPQMBBwNCAAQvUKaFPP5MgSlB6g2/xMSWPJItWY64U2bEYJNaGkKQl7Ih82btYMcgkMly2MEsK5PC4yBz',
  'QdswuZ6pfb3Onmapo4GFMIGCMB0GA1UdDgQWBBQe031QdrROSz+LU/rRRqwg1gERFzAfBgNVHSMEGDAWgBQe031Q',
  'drROSz+LU/rRRqwg1gERFzAPBgNVHRMBAf8EBTADAQH/MC8GA1UdEQQoMCaGF3NwaWZmZTovL3Nob3AvbnMvb3Jk',
  'ZXJzggtvcmRlcnMuc2hvcDAKBggqhkjOPQQDAgNJADBGAiEAn+Hl0gi7c7e/4kByoH4LQfRzjB+uHczWiodkDaGH',
  'I70CIQDrB55RP0iWiaGD/MBND5AxXnoBuk6+UUwaMBogZMaDdw==',
);

/** CN=billing; DNS:billing.shop */
export const BILLING = certificate(
  'MIIBlDCCATqgAwIBAgIUQRcA3M8FXctN014Fn3SEQAY/qlEwCgYIKoZIzj0EAwIwEjEQMA4GA1UEAwwHYmlsbGlu',
  'ZzAgFw0yNjExMjQxMzI5MzRaGA8yMTI2MTAzMTEzMjkzNFowEjEQMA4GA1UEAwwHYmlsbGluZzBZMBMGByqGSM49',
  'AgEGCCqGSM49AwEHA0IABLrxG9a8HovMkiflxI+T+vaEYxEGHhlKBW/8rXWVxbwVQ21QoiXXVj6FDL02GsXyZ1s+',
  '2JVxxm3kOryqoM6qrFqjbDBqMB0GA1UdDgQWBBTrjy/lh06rR6dwBMl0ZaIn/L64RjAfBgNVHSMEGDAWgBTrjy/l',
  'h06rR6dwBMl0ZaIn/L64RjAPBgNVHRMBAf8EBTADAQH/MBcGA1UdEQQQMA6CDGJpbGxpbmcuc2hvcDAKBggqhkjO',
  'PQQDAgNIADBFAiEAhsBAnOgUWo0PxKjXhTDtshXdjKezidvwz41VTi5OpqQCIA/whLNXbBoRqLYhznYeqz/wGC7J',
  'HeVtHjht3Eq1S4Fb',
);

/** CN=both; URI:spiffe://shop/ns/orders, DNS:billing.shop */
export const BOTH = certificate(
  'MIIBqDCCAU+gAwIBAgIUCp3K+FeGGDZ+HgZQXPm7EGT5zqAwCgYIKoZIzj0EAwIwDzENMAsGA1UEAwwEYm90aDAg',
  'Fw0yNjExMjQxMzI5MzRaGA8yMTI2MTAzMTEzMjkzNFowDzENMAsGA1UEAwwEYm90aDBZMBMGByqGSM49AgEGCCqG',
  'SM49AwEHA0IABAfduyuXOpjihBRJKxAz77ej5jhWWHDIjNHH8e7/BBg4CdqDaDuCNm+cfh9d39maRTwoyA/4oVjQ',
  'PozdI+d6rt2jgYYwgYMwHQYDVR0OBBYEFNNLNuDh13TIy73VoZT5uXpwJnXkMB8GA1UdIwQYMBaAFNNLNuDh13TI',
  'y73VoZT5uXpwJnXkMA8GA1UdEwEB/wQFMAMBAf8wMAYDVR0RBCkwJ4YXc3BpZmZlOi8vc2hvcC9ucy9vcmRlcnOC',
  'DGJpbGxpbmcuc2hvcDAKBggqhkjOPQQDAgNHADBEAiAdKUlX+wft0gRm8r/P2Q/lXLUBEdqIg7npmtEr3FDxBAIg',
  'KN+mHtD6zI3edzh5SBWhoTassoy8YBPhBZHbOVTMG0U=',
);

/** URI:`spiffe://shop/evil, URI:spiffe://shop/ns/orders`, DNS:`x.shop, DNS:billing.shop` */
export const EVIL = certificate(
  'MIIBqjCCAU+gAwIBAgIUaR7sAcnkTcYdvk/ojSSnUGAJKBwwCgYIKoZIzj0EAwIwFzEVMBMGA1UEAwwMZXZpbCwg',
  'c3BpZmZlMCAXDTI2MTEyNDEzMjkzNFoYDzIxMjYxMDMxMTMyOTM0WjAXMRUwEwYDVQQDDAxldmlsLCBzcGlmZmUw',
  'WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATjiSbeZ75UFGLaXcB2zOzm2CHuidJezvjJytxUGIdFatReW6QpeWnX',
  'fB6LHqFpR0DsD0xI1Q3vnWY1EAUT1WmBo3cwdTBUBgNVHREETTBLhi9zcGlmZmU6Ly9zaG9wL2V2aWwsIFVSSTpz',
  'cGlmZmU6Ly9zaG9wL25zL29yZGVyc4IYeC5zaG9wLCBETlM6YmlsbGluZy5zaG9wMB0GA1UdDgQWBBRHVQerCWKG',
  '+bROnXmS3Zc9O9W8WjAKBggqhkjOPQQDAgNJADBGAiEAwx9mEMRDsG/f/g1aD23ojl+zZvdDfWzQ48LGSoAcTUoC',
  'IQCwHhFRVXWuaSAy3zVtXEDm1ruBhdJnv7thduJwHziPSg==',
);
