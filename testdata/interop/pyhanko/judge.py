"""pyHanko as a judge of what Absah signs.

Reads one JSON object a line from standard input and answers each with one
JSON object a line: see testdata/interop/README.md for both. All files are
judged in this one process, because starting Python costs more than judging.

Every signature of a file goes through EN 319 102-1 validation with archival
data, as `pyhanko sign adesverify` does it. A file that claims B-LT or B-LTA is
judged without the network, and once more as it will look in 20 years, when
every certificate in it has expired: only complete revocation data passes that.
"""

import argparse
import asyncio
import json
import logging
import sys
from dataclasses import replace
from datetime import datetime, timedelta

from pyhanko.keys import load_certs_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY
from pyhanko.sign.validation import DocumentSecurityStore
from pyhanko.sign.validation.ades import (
    ades_lta_validation,
    simulate_future_ades_lta_validation,
)
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko.sign.validation.policy_decl import (
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import (
    REQUIRE_REVINFO,
    CertRevTrustPolicy,
    FreshnessReqType,
)
from pyhanko_certvalidator.registry import SimpleTrustManager

AFTER_EXPIRY = timedelta(days=20 * 366)


def policy(roots, online):
    rule = (
        RevinfoOnlineFetchingRule.NO_HISTORICAL_FETCH
        if online
        else RevinfoOnlineFetchingRule.LOCAL_ONLY
    )
    return PdfSignatureValidationSpec(
        signature_validation_spec=SignatureValidationSpec(
            cert_validation_policy=CertValidationPolicySpec(
                trust_manager=SimpleTrustManager.build(trust_roots=roots),
                revinfo_policy=CertRevTrustPolicy(
                    REQUIRE_REVINFO,
                    freshness=None,
                    freshness_req_type=(
                        FreshnessReqType.MAX_DIFF_REVOCATION_VALIDATION
                    ),
                ),
            ),
            revinfo_gathering_policy=RevocationInfoGatheringSpec(rule),
        ),
        diff_policy=DEFAULT_DIFF_POLICY,
    )


def open_reader(handle, case):
    # pyHanko judges hybrid-reference files only in its lenient mode.
    reader = PdfFileReader(handle, strict=not case.get('hybrid', False))
    if reader.security_handler is not None:
        result = reader.decrypt(case.get('password', ''))
        if result.status.name == 'FAILED':
            raise ValueError('the password does not open the file')
    return reader


def has_dss(reader):
    try:
        DocumentSecurityStore.read_dss(reader)
        return True
    except NoDSSFoundError:
        return False


def level(reader, signature, result):
    """What the file holds for this signature; pyHanko itself names no level."""
    archived = any(
        stamp.signed_revision > signature.signed_revision
        for stamp in reader.embedded_timestamp_signatures
    )
    if has_dss(reader):
        return 'B-LTA' if archived else 'B-LT'
    stamped = result.signature_timestamp_status is not None or archived
    return 'B-T' if stamped else 'B-B'


def problems(signature, result):
    """Reasons why this signature is not as good as it must be."""
    status = result.api_status
    if result.ades_subindic != AdESPassed.OK:
        yield result.failure_msg or 'not passed'
    if status is None:
        yield 'no status'
        return
    if not status.bottom_line:
        yield 'bottom line: ' + status.summary()
    if status.coverage < SignatureCoverageLevel.ENTIRE_REVISION:
        yield f'covers only {status.coverage.name}'


def uncovered(reader, case):
    """Whether bytes follow the last signature or timestamp.

    At B-LT they do: the validation data is added after the signature.
    """
    if case.get('level') == 'B-LT':
        return False
    last = reader.embedded_signatures[-1]
    last.compute_integrity_info()
    return last.coverage != SignatureCoverageLevel.ENTIRE_FILE


def timing(case):
    if 'at' not in case:
        return ValidationTimingInfo.now()
    at = datetime.fromisoformat(case['at'].replace('Z', '+00:00'))
    return ValidationTimingInfo(at, at, point_in_time_validation=True)


async def judge_signature(reader, signature, case, roots):
    offline = case.get('level') in ('B-LT', 'B-LTA')
    spec = policy(roots, online=not offline)
    now = timing(case)
    result = await ades_lta_validation(signature, spec, timing_info=now)
    found = list(problems(signature, result))
    if offline and not found:
        later = await simulate_future_ades_lta_validation(
            signature,
            spec,
            future_validation_time=now.validation_time + AFTER_EXPIRY,
            current_reference_time=now.validation_time,
        )
        if later.ades_subindic != AdESPassed.OK:
            found.append(
                f'in 20 years: {later.ades_subindic}: {later.failure_msg}'
            )
    return level(reader, signature, result), result.ades_subindic, found


async def judge(case, roots):
    answer = {'file': case['file'], 'tool': 'pyhanko', 'ok': True}
    levels, indications, details = [], [], []
    with open(case['file'], 'rb') as handle:
        reader = open_reader(handle, case)
        if not reader.embedded_regular_signatures:
            raise ValueError('no signature')
        for signature in reader.embedded_regular_signatures:
            name, indication, found = await judge_signature(
                reader, signature, case, roots
            )
            levels.append(name)
            indications.append(indication)
            details += [f'{signature.field_name}: {text}' for text in found]
        if uncovered(reader, case):
            details.append('bytes follow the last signature')
    worst = next((i for i in indications if i != AdESPassed.OK), AdESPassed.OK)
    answer['level'] = ','.join(levels)
    answer['indication'] = str(worst.status.name)
    answer['subIndication'] = '' if worst == AdESPassed.OK else worst.name
    answer['detail'] = '; '.join(details)
    answer['ok'] = not details
    return answer


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--trust', action='append', default=[])
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)  # the answers say it
    roots = list(load_certs_from_pemder(options.trust))
    for line in sys.stdin:
        case = json.loads(line)
        try:
            answer = asyncio.run(judge(case, roots))
        except Exception as err:  # a broken file must not end the batch
            answer = {
                'file': case['file'],
                'tool': 'pyhanko',
                'ok': False,
                'level': '',
                'indication': 'ERROR',
                'subIndication': type(err).__name__,
                'detail': str(err),
            }
        print(json.dumps(answer), flush=True)


if __name__ == '__main__':
    main()
