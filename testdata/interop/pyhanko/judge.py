"""pyHanko as a judge of what Absah signs.

Reads one JSON object a line from standard input and answers each with one
JSON object a line: see testdata/interop/README.md for both. All files are
judged in this one process, because starting Python costs more than judging.

Every signature of a file goes through the process of EN 319 102-1 that fits its
level: basic (5.3), with time (5.5), or with archival data (5.6), which is what
`pyhanko sign adesverify` runs. A file that claims B-LT or B-LTA is judged
without the network, and at B-LTA once more as of the day after the signer's
certificate has expired: only complete revocation data passes that. A file can
also ask for judgement without the network and claim nothing.

A file that takes more than LIMIT seconds of processor time gets an error for
an answer.
"""

import argparse
import asyncio
import json
import logging
import signal
import sys
from dataclasses import replace
from datetime import datetime, timedelta

from asn1crypto.crl import CertificateList
from asn1crypto.ocsp import OCSPResponse
from pyhanko.keys import load_certs_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY
from pyhanko.sign.general import (
    MultivaluedAttributeError,
    NonexistentAttributeError,
    find_unique_cms_attribute,
)
from pyhanko.sign.validation import DocumentSecurityStore
from pyhanko.sign.validation.ades import (
    ades_basic_validation,
    ades_lta_validation,
    ades_with_time_validation,
    simulate_future_ades_lta_validation,
)
from pyhanko.sign.validation.errors import (
    NoDSSFoundError,
    SignatureValidationError,
)
from pyhanko.sign.validation.generic_cms import extract_tst_data_iter
from pyhanko.sign.validation.policy_decl import (
    LocalKnowledge,
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
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer

AFTER_EXPIRY = timedelta(days=1)
LIMIT = 8


def policy(roots, online, knowledge):
    rule = (
        RevinfoOnlineFetchingRule.NO_HISTORICAL_FETCH
        if online
        else RevinfoOnlineFetchingRule.LOCAL_ONLY
    )
    return SignatureValidationSpec(
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
        local_knowledge=knowledge,
    )


def embedded(reader, signature):
    """What the document security store and the signed attributes hold."""
    ocsps, crls = archived(signature)
    certs = []
    try:
        dss = DocumentSecurityStore.read_dss(reader)
        ocsps += [OCSPResponse.load(o.get_object().data) for o in dss.ocsps]
        crls += [CertificateList.load(c.get_object().data) for c in dss.crls]
        certs = list(dss.load_certs())
    except NoDSSFoundError:
        pass
    return LocalKnowledge(
        known_certs=certs,
        known_ocsps=[c for o in ocsps for c in OCSPContainer.load_multi(o)],
        known_crls=[CRLContainer(crl_data=c) for c in crls],
    )


def archived(signature):
    """The revocation data in the signed attribute that Adobe defined."""
    try:
        archival = find_unique_cms_attribute(
            signature.signer_info['signed_attrs'],
            'adobe_revocation_info_archival',
        )
    except (NonexistentAttributeError, MultivaluedAttributeError):
        return [], []
    return [list(archival[kind]) for kind in ('ocsp', 'crl')]


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


def level(reader, signature):
    """What the file holds for this signature; pyHanko itself names no level."""
    stamps = [
        stamp
        for stamp in reader.embedded_timestamp_signatures
        if stamp.signed_revision > signature.signed_revision
    ]
    if has_dss(reader):
        archived = any(
            '/DSS' in reader.get_historical_root(stamp.signed_revision)
            for stamp in stamps
        )
        if archived:
            return 'B-LTA'
    if not stamps and not stamped(signature):
        return 'B-B'
    return 'B-LT' if has_dss(reader) else 'B-T'


def changes(signature):
    """What pyHanko holds against the later revisions; empty for nothing."""
    signature.compute_integrity_info(diff_policy=DEFAULT_DIFF_POLICY)
    integrity = signature.summarise_integrity_info()
    if integrity['coverage'] < SignatureCoverageLevel.ENTIRE_REVISION:
        return f'covers only {integrity["coverage"].name}'
    if integrity['docmdp_ok'] is False:
        return f'later changes: {integrity["diff_result"]}'
    return ''


def problems(result, changed):
    """Reasons why this signature is not as good as it must be."""
    status = result.api_status
    if result.ades_subindic != AdESPassed.OK:
        yield result.failure_msg or 'not passed'
    if status is None:
        yield 'no status'
        return
    if not status.bottom_line:
        yield 'bottom line: ' + status.summary()
    if changed:
        yield changed


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


def stamped(signature):
    """Whether the CMS itself holds a timestamp."""
    return any(extract_tst_data_iter(signature.signer_info, signed=False))


async def validate(signature, held, spec, now):
    """The process of EN 319 102-1 for a signature that holds this much.

    pyHanko knows a time only from a signature timestamp. A document raised
    from B-B has document timestamps instead, which EN 319 142-1 allows, and
    goes through the basic process.
    """
    if not stamped(signature):
        held = 'B-B'
    if held == 'B-LTA':
        return await ades_lta_validation(
            signature,
            PdfSignatureValidationSpec(spec, diff_policy=DEFAULT_DIFF_POLICY),
            timing_info=now,
        )
    process = (
        ades_basic_validation if held == 'B-B' else ades_with_time_validation
    )
    return await process(
        signature.signed_data,
        spec,
        timing_info=now,
        raw_digest=signature.compute_digest(),
    )


async def judge_signature(reader, signature, case, roots):
    claims = case.get('level') in ('B-LT', 'B-LTA')
    offline = claims or case.get('offline', False)
    spec = policy(roots, online=not offline, knowledge=embedded(reader, signature))
    now = timing(case)
    held = level(reader, signature)
    result = await validate(signature, held, spec, now)
    changed = changes(signature)
    found = list(problems(result, changed))
    if held == 'B-LTA' and stamped(signature) and claims and not found:
        later = await simulate_future_ades_lta_validation(
            signature,
            PdfSignatureValidationSpec(spec, diff_policy=DEFAULT_DIFF_POLICY),
            future_validation_time=(
                signature.signer_cert.not_valid_after + AFTER_EXPIRY
            ),
            current_reference_time=now.validation_time,
        )
        if later.ades_subindic != AdESPassed.OK:
            found.append(
                f'once expired: {later.ades_subindic}: {later.failure_msg}'
            )
    status = result.api_status
    return {
        'field': signature.field_name,
        'level': held,
        'indication': result.ades_subindic.status.name,
        'subIndication': subindication(result.ades_subindic),
        'intact': status is not None and status.intact and status.valid,
        'changes': changed,
        'detail': '; '.join(found),
    }


def subindication(indication):
    return '' if indication == AdESPassed.OK else indication.name


async def try_signature(reader, signature, case, roots):
    """Judges a signature; what pyHanko cannot judge is in the answer too."""
    answer = {'field': signature.field_name, 'level': '', 'intact': False}
    try:
        return await judge_signature(reader, signature, case, roots)
    except SignatureValidationError as err:
        return answer | failure('FAILED', err)
    except OutOfTime:
        raise
    except Exception as err:
        return answer | failure('ERROR', err)


def failure(indication, err):
    return {
        'indication': indication,
        'subIndication': type(err).__name__,
        'changes': '',
        'detail': f'{type(err).__name__}: {err}',
    }


async def judge(case, roots):
    answer = {'file': case['file'], 'tool': 'pyhanko'}
    with open(case['file'], 'rb') as handle:
        reader = open_reader(handle, case)
        if not reader.embedded_regular_signatures:
            raise ValueError('no signature')
        signatures = [
            await try_signature(reader, signature, case, roots)
            for signature in reader.embedded_regular_signatures
        ]
        bad = [s for s in signatures if s['detail']]
        details = [f'{s["field"]}: {s["detail"]}' for s in bad]
        if uncovered(reader, case):
            details.append('bytes follow the last signature')
    worst = next((s for s in signatures if s['indication'] != 'PASSED'), None)
    answer['signatures'] = signatures
    answer['level'] = ','.join(s['level'] for s in signatures)
    answer['indication'] = worst['indication'] if worst else 'PASSED'
    answer['subIndication'] = worst['subIndication'] if worst else ''
    answer['detail'] = '; '.join(details)
    answer['ok'] = not details
    return answer


class OutOfTime(BaseException):
    """Raised by the timer; no handler of pyHanko's must take it."""


def out_of_time(*_):
    raise OutOfTime(f'no answer in {LIMIT} s of processor time')


def read_roots(paths):
    return list(load_certs_from_pemder(paths))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--trust', action='append', default=[])
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)  # the answers say it
    signal.signal(signal.SIGVTALRM, out_of_time)
    default = read_roots(options.trust)
    for line in sys.stdin:
        case = json.loads(line)
        roots = read_roots(case['trust']) if 'trust' in case else default
        signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT)
        try:
            answer = asyncio.run(judge(case, roots))
        except (Exception, OutOfTime) as err:  # must not end the batch
            answer = {
                'file': case['file'],
                'tool': 'pyhanko',
                'ok': False,
                'level': '',
                'signatures': [],
                **failure('ERROR', err),
            }
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        print(json.dumps(answer), flush=True)


if __name__ == '__main__':
    main()
