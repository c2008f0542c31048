"""What to do about each cause, in one line, in Chinese and English."""

from collections.abc import Mapping

FIXES: Mapping[str, tuple[str, str]] = {
    "key.swapped": (
        "两对密钥用反了:用贵方自己的私钥签名,平台只登记贵方公钥;平台公钥只用来验平台的应答。",
        "The two key pairs are swapped: sign with your own private key and register only your own "
        "public key; ours is only for checking our answers.",
    ),
    "key.other_app": (
        "请求是用同一合作方的另一把密钥签的:换成本应用登记的私钥,或改用证据中的密钥编号。",
        "The request was signed with another key of the same partner: use the private key "
        "registered for this app, or name the key in the evidence.",
    ),
    "key.sandbox": (
        "用了另一环境(沙箱/生产)的密钥:换成本环境登记的密钥。",
        "The key belongs to the other environment (sandbox or live): use this environment's key.",
    ),
    "key.format": (
        "密钥的编码用错了:登记的密钥是字节,先按 Base64 或十六进制解码、去掉换行再用。",
        "The key was used in the wrong encoding: decode the Base64 or hexadecimal text (and strip "
        "line breaks) and use the bytes.",
    ),
    "key.unregistered": (
        "签名私钥与登记的公钥不是一对:核对两边公钥的 SHA-256 指纹。",
        "The signing key is not the pair of any registered one: compare the SHA-256 fingerprints "
        "of the public keys.",
    ),
    "key.expired": (
        "该密钥已停用:改用仍有效的密钥。",
        "That key is over: sign with one that is valid.",
    ),
    "param.empty_kept": (
        "空值参数不参加签名:拼串前去掉值为空的参数。",
        "Empty parameters are not signed: leave them out of the string.",
    ),
    "param.extra": (
        "签名后又多出一个参数(如带 name 的提交按钮):去掉它,或把它也签进去。",
        "A parameter was added after signing (a submit button with a name?): remove it or sign it.",
    ),
    "param.sign_type": (
        "sign_type 要参加签名(只去掉 sign)。",
        "sign_type is part of the string; only sign is left out.",
    ),
    "param.order": (
        "顺序不对:按规则排序,参数文本要与所发送的逐字节一致。",
        "The order is wrong: sort as the rule says; the parameter text is signed exactly as sent.",
    ),
    "alg.digest": (
        "摘要或填充算法与登记的不同:用登记的算法签名。",
        "The digest or padding is not the registered one: sign with the registered algorithm.",
    ),
    "alg.der": (
        "ECDSA 签名要用 r、s 各 32 字节直接相连,不是 DER。",
        "An ECDSA signature is r and s, 32 bytes each, joined; not DER.",
    ),
    "alg.named": (
        "请求写的算法与登记的不同:以登记的为准。",
        "The request names another algorithm than the registered one: the registered one counts.",
    ),
    "text.url_encoded": (
        "签名要用原始值:先签名,后做 URL 编码。",
        "Sign the raw values: first sign, then URL-encode.",
    ),
    "text.plus_as_blank": (
        "加号在传输中变成了空格:放进表单或网址前把 + 编码为 %2B。",
        "A plus sign arrived as a blank: encode + as %2B before it goes into a form or address.",
    ),
    "text.charset": (
        "字符集不一致:按声明的字符集(默认 UTF-8)取字节再签名。",
        "Another character set was used: take the bytes in the declared one (UTF-8 by default).",
    ),
    "text.json_changed": (
        "签名之后 JSON 又被重新序列化:签名与发送用同一段文本。",
        "The JSON was written again after signing: sign and send the very same text.",
    ),
    "text.html_escaped": (
        "文本被 HTML 转义(&quot; &amp;):签名用未转义的原文。",
        "The text was HTML-escaped (&quot; &amp;): sign the unescaped text.",
    ),
    "text.trailing_newline": (
        "末尾的换行要与规则一致:多了就去掉,少了就补上。",
        "The line feed at the end must be as the rule says: remove the extra one or add the "
        "missing one.",
    ),
    "text.crlf": ("换行用 LF,不用 CRLF。", "Lines are joined by LF, not CRLF."),
    "text.base64url": (
        "签名要用标准 Base64(+ 和 /),不是 URL 安全变体。",
        "The signature is standard Base64 (+ and /), not the URL-safe alphabet.",
    ),
    "text.method_case": ("HTTP 方法要大写。", "The HTTP method is signed in upper case."),
    "path.host_or_query": (
        "路径或查询串的写法不对:不含协议和主机,保持发送时的编码。",
        "Path or query is not written as the rule says: no scheme or host, encoded as sent.",
    ),
    "token.line": (
        "带了 app_auth_token 就要把它签进去;没带就不要多签一行。",
        "A token that is sent is signed too; one that is not sent adds no line.",
    ),
    "order.encrypt_sign": (
        "顺序反了:先加密业务内容,再对密文签名。",
        "The order is reversed: encrypt the content first, then sign the ciphertext.",
    ),
    "time.zone": (
        "时间差整数小时:按协议规定的时区(GMT+8 或 UTC 秒)写时间。",
        "The clock is off by whole hours: write the time in the wire's zone (GMT+8, or UTC "
        "seconds).",
    ),
    "time.stale": (
        "时间超出窗口:校准时钟,签名后立即发送。",
        "The time is outside the window: set the clock, and send right after signing.",
    ),
    "time.unit": (
        "时间单位不对(秒与毫秒)。",
        "The time is in the wrong unit (seconds or milliseconds).",
    ),
    "body.altered": (
        "收到的报文体与签名时的不同:检查代理或框架是否改写了它。",
        "The body that arrived is not the one that was signed: a proxy or framework changed it.",
    ),
    "request.refused": (
        "按证据修改签名字段。",
        "Change the signature fields as the evidence says.",
    ),
}  # fmt: skip
