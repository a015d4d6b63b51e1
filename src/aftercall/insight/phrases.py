"""This file holds what moods sound like on the telephone: words and phrases with their weights, as data.

VADER's own lexicon was made for social media. Here stand the words of it that mean nothing on the phone, the formulae of
politeness, and the phrases in which callers and agents say that something went well or badly without any word of feeling.
Weights are on VADER's scale, -4 to +4; one phrase of weight w alone scores w / sqrt(w^2 + 15).
"""

# Word lists read best as running text, and a family of phrases on one line.
# ruff: noqa: E501, SIM905

#: Words of VADER's lexicon that are no mood on the phone: answers, trade words, verbs of the craft, names.
#: (`won`, `ill`: speech engines write them for "one" and "I'll".)
NO_MOOD = frozenset(
    """
    yes yeah yep yup no ok okay k alright sure certain certainly definite definitely like likes liked well please pleased
    help helps helping helped care cares careful carefully thank thanks sorry pardon excuse hello dear sir
    credit credits debit debt debts free save saved saves saving savings secure secured security safe safely safety
    fraud emergency emergencies alarm alarms alert alerts damage damages deposit cancel cancels cancelled canceling
    pay pays paid charge charges charged charging value values worth interest profit benefit benefits bonus gift gifts award
    claim claims legal dispute demand liability accident accidents injury injuries risk risks crime arrest
    accept accepted accepting accepts agree agreed agreement active activate approval authority assurance assure assured
    block blocked blocking cut drop dropped clear clearly clean cleaner cleaning clarity fire fan hand create created
    challenge chance chances opportunity commit commitment ensure ensuring entitled exempt guarantee guaranteed
    important energy engage engaged interested join joined joining keen kind leave left limited lose loose low matter
    miss natural number party play playing pretty ready reach promote promotion promise promised protect protected
    protection quality resolve resolving share shared shares solve solving solution solutions special straight stop stopped
    stopping stops strong super support supported supporting supports surprise top treat treatment true trust vision
    vital want wants warm warning wish wishes wishing won worn ill pain pains fresh grand grant granted grace faith hope
    hopes hoping hopefully honest honestly cool better encourage fit original positive negative novel progress forget forgot
    wow gain easily lost parties luck empty smart sunny robust significant serious prevent avoid tough hard
    """.split()
)

#: Words VADER does not know, or knows too mildly for a call.
OWN_WORDS = {
    "unhelpful": -2.2, "unprofessional": -2.4, "incompetent": -2.6, "unreliable": -2.0, "overpriced": -2.0,
    "overcharged": -2.2, "ridiculous": -2.2, "unacceptable": -2.6, "nightmare": -2.6, "hassle": -1.8, "garbage": -2.2,
    "mess": -1.8, "misleading": -2.0, "misled": -2.2, "clueless": -2.2, "scammed": -2.6, "shady": -1.9, "absurd": -2.0,
    "outrageous": -2.4, "appalling": -2.8, "disgraceful": -2.8, "dreadful": -2.6, "atrocious": -2.8, "pathetic": -2.4,
    "inexcusable": -2.6, "infuriating": -2.8, "livid": -3.0, "nonsense": -1.8, "aggravating": -2.2, "inconvenient": -1.7,
    "inconvenience": -1.7, "defective": -2.0, "faulty": -2.0, "unsafe": -1.9, "swindled": -2.6, "asshole": -3.0,
    "unusable": -2.2, "sucks": -2.2, "lousy": -2.4, "stressful": -2.0, "stressed": -2.0, "worried": -1.8,
    "disrespectful": -2.4, "condescending": -2.4, "ignored": -1.8, "lied": -2.4, "confusing": -1.6,
    "unfortunately": -1.6, "unhappy": -2.2, "damned": -1.8, "wrong": -1.8,
    "professional": 1.8, "courteous": 2.0, "polite": 1.8, "patient": 1.6, "knowledgeable": 1.8, "seamless": 1.9,
    "flawless": 2.3, "painless": 1.6, "superb": 2.8, "outstanding": 2.8, "brilliant": 2.6, "phenomenal": 2.8,
    "lifesaver": 2.6, "efficient": 1.7, "smoothly": 1.8, "affordable": 1.4, "hooray": 2.4, "congratulations": 2.6,
    "delicious": 2.2, "spotless": 1.8, "marvelous": 2.6, "terrific": 2.6, "superbly": 2.4, "attentive": 1.7,
}  # fmt: skip

#: Formulae that say nothing about a mood; they are cut out before scoring. Word gaps are single spaces.
FORMULAE = (
    r"(?:thank you|thanks)(?: so much| very much)? for (?:calling|holding|waiting|your (?:call|time))",
    r"how (?:can|may|could) i (?:help|assist|direct)\b(?: you| your call)?(?: today)?",
    r"(?:have|enjoy) (?:a|an|your|the rest of your) (?:very )?(?:great |good |nice |wonderful |lovely |pleasant )?"
    r"(?:day|one|evening|afternoon|morning|night|weekend|week|rest of your day|holiday)",
    r"good (?:morning|afternoon|evening|day|night|bye)",
    r"you(?:'re| are) (?:very |most |so )?welcome",
    r"(?:no|not a) (?:problem|worries|trouble|bother|big deal)(?: at all)?(?=$|[.,!?;]| (?:sir|ma'am|take|i|let|you|thank))",
    r"(?:i'd|i would|i'll|i will|we'd|we'll) be (?:very |more than |so )?(?:happy|glad|pleased|delighted) to",
    r"(?:i'm|we're|i am|we are) (?:always )?(?:happy|glad) to (?:help|assist|do that|check|look)",
    r"(?:happy|glad) to help",
    r"my pleasure",
    r"(?:is|was) there anything else(?: (?:that )?i can (?:help|do|assist))?(?: you)?(?: with| for)?",
    r"take (?:care|your time)",
    r"(?:what's|what is|what would be)? ?(?:a|the|your)? ?(?:good|best|better)(?: callback| call back| phone| contact| e-?mail)?"
    r" (?:number|time|way|address|day|date|e-?mail)(?: to)?",
    r"like (?:i|you|we) said",
    r"i (?:don't|do not|wouldn't) mind|if you don't mind|do you mind",
    r"(?:nice|good|great|lovely) (?:to meet|to talk|talking|speaking|to speak) (?:to |with )?you",
    r"how are you(?: doing)?(?: today)?",
    r"(?:i'm|i am|we're) (?:doing )?(?:good|fine|great|well|all right)(?: thank you| thanks)?,? (?:and |how about )?(?:you|yourself)",
    r"(?:good|great) question",
    r"feel free(?: to)?",
    r"(?:super|early|value) saver",
    r"(?:pain|stress|anger|crisis|trauma|fraud|complaints?|loss|lost and found|bad debt|collections?)"
    r" (?:clinic|centre|center|management|department|team|line|office|desk|form|prevention)",
    r"(?:customer|technical|tech) (?:care|support|service|services|satisfaction)(?= (?:department|team|line|desk|survey)|$)",
    r"for (?:your|our) (?:own )?(?:safety|security|protection|records)",
    r"(?:no|best) (?:thanks|thank you|regards|wishes)",
    r"(?:lost|missing|broken|cracked|damaged|stolen) (?:card|item|screen|luggage|property)s? (?:department|report|form|claim)",
    r"(?:with|without) (?:a )?great pleasure",
    r"(?:a|one) (?:little )?(?:good|nice) (?:while|bit)",
    r"for (?:the|a) (?:good|better) (?:part|half)",
    r"dead ?line|dead ?bolt|bad ?room|fire ?wall|kill switch|crash course|worst case|just in case",
)  # fmt: skip

_NOBODY = r"(?:nobody|no one|no ?body|not one person|not a single person|none of you)"
_DAYS = r"(?:minutes?|hours?|days?|weeks?|months?|years?)"
_THING = (
    r"(?:internet|phones?|service|system|website|web ?site|site|app|lines?|power|network|e-?mail|wi-?fi|connection|server|heat|"
    r"heating|water|cable|tv|machine|unit|modem|router|computer|elevator|lift|card reader)"
)
_NOT = (
    r"(?:not|n't|never|cannot|can't|don't|doesn't|didn't|won't|isn't|wasn't|hasn't|haven't|couldn't|wouldn't|still not)"
)

#: A "no" that answers a question does not negate the sentence after it.
ANSWERING_NO = r"^(?:(?:oh|well|um|uh) )*no(?:,? no)*(?:,|(?= (?:that|it|i|we|you|they|this|thank|thanks|he|she)\b))"

#: Phrase patterns by weight; a match stands in the text as one word of that weight, so that VADER's boosters and negations
#: still work on it. Of two patterns that match at the same place, the one that stands first here wins.
PATTERNS: tuple[tuple[float, tuple[str, ...]], ...] = (
    (
        -2.6,
        (
            r"sick and tired of|sick of|tired of (?:this|your|being|waiting|calling|having|getting)|fed up|had enough|at my wit'?s'? end",
            r"(?:you(?:'ve| have)? (?:got to|gotta) be|are you) (?:kidding|joking|serious)(?: me)?|you must be (?:joking|kidding)",
            r"thanks for nothing|thank you for nothing|for nothing",
            r"(?:a|complete|total|such a|huge) (?:waste|joke|rip ?-?off|disaster|mess|nightmare|scam)|out of luck|waste of (?:time|money|my)|wast(?:ed|ing) (?:my|our)",
            r"rip(?:ped|ping)? (?:me |us |people )?off|took advantage of|taking advantage of|steal(?:ing)? (?:my|from)",
            r"(?:worst|poorest|terrible|horrible|awful|poor|bad) (?:customer )?(?:service|experience|company)",
            r"nothing but (?:trouble|problems|issues|headaches?|excuses|lies|grief)",
            r"(?:talk|speak|get|put me|transfer me)(?:ing)? (?:to|with|through to) (?:a|your|the|another|some|somebody's) "
            r"(?:supervisor|manager|boss|superior)|(?:get|give) me (?:a|your|the) (?:supervisor|manager|boss)",
            r"(?:file|make|lodge|register|submit|have|want)(?:ing)? (?:to make )?a(?: formal| serious)? complaint|(?:to )?complain(?:ing)? (?:about|to)",
            r"(?:lawyer|attorney|lawsuit|take you to court|small claims|sue you|suing|legal action|better business bureau|ombudsman|trading standards)",
            r"(?:leave|leaving|write|writing|post|posting) (?:you )?(?:a )?(?:bad|negative|terrible|one star) reviews?|one star",
            r"stop (?:yelling|shouting|swearing|screaming|cursing|insulting|interrupting)",
            r"(?:keep|kept) (?:yelling|shouting|swearing|using that language|interrupting)|using that (?:kind of )?language",
            r"(?:hung|hang|hanging|hangs) up(?: on)?|slam(?:med)? the phone",
            r"how dare|shame on|disgust\w*|treated (?:me |us )?like",
            r"great,? (?:another|just what|now|so now)|oh (?:great|wonderful|perfect|fantastic),? (?:another|now|so)|just great|as if",
            r"never (?:again|ever again|use you again|do business|come back|buy from|order from|shop|recommend)",
        ),
    ),
    (
        -2.0,
        (
            rf"(?:been |was |were |am |'m )?(?:on hold|holding|waiting|waited|sitting here)(?: here)?(?: on hold)? (?:for |since |over |more than |almost |all )(?!(?:just )?(?:a|one) (?:quick |brief |short )?(?:minute|moment|second|sec|bit)\b)"
            rf"[\w' ]{{0,30}}?(?:{_DAYS}|morning|day|week|afternoon|ages|ever|so long)|on hold (?:since|forever|again)",
            rf"(?:i'm|we're|i am|am|been) (?:still )?waiting(?! (?:room|list))|still waiting|(?:have|had|has) to wait|wait(?:ing)? another|another (?:\w+ )?{_DAYS}",
            rf"{_NOBODY}(?: has| have| had| is| was| ever| even| here| there| seems?)* "
            r"(?:call\w*|pick\w*|answer\w*|show\w*|came|come|comes|told|tells?|help\w*|know\w*|car\w*|respond\w*|repl\w*|listen\w*|want\w*|been|bother\w*|to|can|could|will|did|does|got|gets?|turned|follow\w*|explain\w*|contact\w*|return\w*|fixed|seems?)",
            r"(?:never|didn't|don't|hasn't|haven't|not|doesn't|did not|won't|failed to)(?: even| ever| actually| once| really| yet)* "
            r"(?:show(?:ed|n|s)? up|show|turn(?:ed|s)? up|came|come|arrive[ds]?|call(?:ed|s)? (?:me |us )?back|call(?:ed)?|return(?:ed)? my|"
            r"got(?:ten)? (?:it|my|the|a|an|back|any|anything)|get(?:s)? (?:it|my|the|back|any|anything|a reply|an answer)|receive[ds]?|deliver(?:ed)?|"
            r"finish(?:ed)?|answer(?:ed|s)?|respond(?:ed)?|repl(?:y|ied)|bother(?:ed)?|order(?:ed)?|authori[sz]ed?|agreed to|signed up|asked for)",
            r"(?:second|third|fourth|fifth|sixth|seventh|tenth|hundredth|umpteenth|last|\w+teenth|\d+(?:nd|rd|th)) time (?:i|i'm|i've|we|we've|this|that|now|calling|in|it|you)",
            r"every (?:single |other )?time (?:i|we|you|it|they)|each time i|over and over|time after time|yet again|how many (?:more )?times|back and forth|the run ?around",
            r"keep(?:s)? (?:on )?(?:giving|getting(?! better)|sending|telling|saying|asking|changing|happening|going|dropping|crashing|breaking|cutting|freezing|charging|billing|calling|putting|"
            r"transferring|passing|making|losing|failing|stopping|turning|coming|missing|ignoring|bouncing|having|repeating|doing)|kept (?:me|us|on|telling|saying|sending|getting|asking|waiting|transferring)",
            r"(?:i|we|i've|we've|i have|we have)(?: just)? already (?:told|explained|said|paid|sent|called|gave|given|did|done|tried|been|spoken|spoke|cancelled|canceled|returned|answered|talked|asked|went|reported|complained)"
            r"|i told (?:you|them|him|her) (?:already|before|that|this|twice|last)|already told you|same (?:problem|issue|thing|mistake|error|story|question)s? (?:again|over|every|as|happened|with|since)?",
            rf"{_NOT} (?:even |really |actually |quite )*(?:work|working|worked|help|helping|fix|fixed|solve|turn on|load|loading|start|connect|connecting|function|charge up|make (?:any )?sense|"
            r"good enough|acceptable|fair|ok with|okay with|what i (?:ordered|asked|was told|paid|expected|wanted|signed)|as (?:described|advertised|promised)|(?:what|how) the (?:other|last|previous|first))"
            r"(?: me| us| it| the \w+)?(?: at all)?",
            r"(?:won't|wouldn't|doesn't|didn't|not|isn't|can't) let me|(?:stopped|quit) (?:working|responding|charging|cooling|heating)|no longer works?",
            rf"{_THING}(?: is| has been| have been| has| was| went| goes| are| keeps going|'s| been|'s been)+(?: still| just| completely)? (?:down|out|dead|broken|offline|not working)",
            r"(?:went|been|is|goes|'s) (?:down|out) (?:since|for|all|again|every)|(?:broke|breaks|breaking|broken) (?:down|again|already|after)|fell apart|falling apart|gave up on",
            r"cut (?:me|us|him|her) off|cuts? (?:out|off)|got (?:cut off|disconnected)|(?:call|line|connection) (?:dropped|got dropped|keeps dropping)",
            r"leak(?:s|ing|ed)?|flood(?:s|ed|ing)?|smok(?:e|ing) (?:coming|from)|sparks?|no (?:heat|hot water|power|electricity|dial tone|signal|internet)",
            r"(?:charg(?:ed|ing)|bill(?:ed|ing)|debited|took)(?: me| us| my \w+| him| her)? (?:\w+ )?(?:twice|double|again|three times|too much|extra|more than|for (?:something|a service|things|an? \w+ i)|the wrong|without|and i)|"
            r"double (?:charged|billed|charge|billing)|over ?(?:charg|bill)\w*|hidden (?:fee|charge|cost)s?|for something i",
            r"(?:want|need|get|demand|give me|where(?:'s| is)|like)(?: \w+)? (?:my|our|a|the|full)(?: full)? (?:money|refund)|money back|refund me",
            r"(?:can't|cannot|couldn't|can not) (?:afford|believe|deal with|stand|get through|get (?:a|any|an) (?:answer|help|straight)|take (?:this|it) any ?more|keep doing|live like)",
            r"(?:way |much |far )?too (?:expensive|much(?! trouble)|slow|late|high|loud|small|complicated|many (?:times|people|problems)|pricey|long)|costs? (?:me )?a fortune|that's a lot of money",
            r"cancel(?:ling|ing|led)? (?:my|our|this|the whole|everything|all my) (?:service|account|subscription|contract|membership|plan|policy|line|lines|phone|internet|cable|whole)|cancel everything|close (?:my|our|the) account",
            r"(?:switch|switching|move|moving|go|going|change|changing)(?: over)? (?:to|with) (?:another|a different|one of your|your|some other|the) (?:company|provider|competitor|competitors|carrier|bank)"
            r"|take my business (?:elsewhere|somewhere)|(?:switch|change|find)(?:ing)? (?:another |a new |a different )?(?:providers?|companies|carriers?)|go elsewhere|looking elsewhere",
            r"(?:different|another|conflicting) (?:answer|story|excuse|price) (?:every|each|from)|get a different (?:answer|story)|excuse after excuse",
            r"(?:was|were|been|i'd been) (?:told|promised|assured|led to believe|guaranteed)(?=[\w', ]{0,80}\b(?:not|n't|never|nobody|still|but|only|now|nothing|yet)\b|[\w', ]{0,80}(?:n't))",
            r"(?:was|were|is|are|'s) supposed to(?= [\w', ]{0,80}\b(?:but|not|never|nobody|still|and (?:he|she|they|it|now|nothing))\b|[\w', ]{0,80}n't)",
            r"(?:that's|this is|it's|that is|it is) (?:just )?not (?:fair|right|true|good|acceptable|ok|okay|my fault|our fault|what)|isn't (?:fair|right|good enough)|(?:don't|do not) think (?:that's|it's|that is|this is) (?:fair|right|good|acceptable)",
            r"there(?:'s| is) nothing (?:else |more )?(?:i|we) can|nothing (?:i|we|they) can do|can't do anything|no way (?:around|to)",
            r"(?:pain|kick) in the (?:neck|butt|ass|teeth)|in (?:a lot of|so much|terrible|constant|real) pain|let (?:me|us) down|worse (?:than|and|every|now)|(?:got|getting|gets) worse|what(?:'s| is) the point",
            r"why (?:would|should|do|must|am|are) (?:i|we) (?:have to |still |being |even |always |paying |pay|getting |keep )|what am i paying",
            r"(?:in (?:the )?hospital|passed away|funeral|heart attack|broke my|car wreck|got (?:hacked|robbed|stolen)|(?:was|were|been|is) (?:hacked|stolen|robbed|scammed)|laid off|lost my job)",
            r"(?:would be|it'd be) (?:nice|great|good|helpful) if (?:you|someone|somebody|they|your)(?: could| would| can)?(?: actually)?|actually answer",
            r"you people|you guys (?:keep|never|always|don't|can't|are)|your company (?:is|has|keeps|never)",
            r"(?:had|having|have|having had)(?: so much| nothing but| some| a lot of| lots of)? (?:trouble|problems|issues) (?:with|since|getting)|(?:big|huge|serious|real) (?:problem|issue)",
            r"(?:nothing|no one|nobody) (?:works|worked|has changed|changed|happened|happens|ever|helps)|(?:don't|didn't|doesn't) (?:even )?(?:care|listen|bother|understand why|know what (?:they|you)(?:'re| are) doing)",
            r"(?:got|received|sent|shipped|delivered|gave)(?: me| us| you)?(?: the| a)? (?:wrong|broken|damaged|defective|old|used|empty)|(?:arrived|came|showed up|delivered)(?: \w+)? (?:broken|damaged|late|wrong|cold|open|empty|scratched|cracked)",
            r"(?:shouldn't|don't want to|not going to) (?:have to )?keep \w+ing|shouldn't have to|(?:don't|didn't|haven't) (?:got |have )?(?:the )?time for (?:this|that)",
            r"(?:crash(?:es|ed|ing)|freez(?:es|ing)|froze|outage|(?:transferred|passed) (?:\w+ times|again|around)|been transferred)(?: (?:every time|whenever|again))?",
            r"(?:can't|couldn't|won't let me|unable to) (?:log|sign|get) (?:in|on)|(?:can't|couldn't) (?:access|reach (?:anyone|anybody|you)|use (?:it|my|the))|(?:doesn't|didn't|won't) fit",
            r"nothing(?:'s| has| was| is)?(?: been| being)? (?:done|fixed|changed|resolved|happening)|out of (?:my|our) hands|or (?:else )?(?:i'm|we're|i am) (?:leaving|done|gone|going (?:to|elsewhere))",
            r"(?:lost|losing|lose) (?:all |any |my |our |the )*(?:confidence|faith|trust|patience|luggage|package|order|data|work|money|wages|business|sale|sleep)|you(?: guys)? lost",
            r"left (?:me|us)? ?(?:without|hanging|waiting|on hold|high and dry|in the dark|early|before)",
            r"(?:hours?|days?|weeks?|months?) (?:late|overdue|behind|past)|past due already|missed (?:my|our|the|a|two|three) (?:flight|appointment|deadline|delivery|work|meeting|day|days|window)|took (?:the|a) (?:whole )?day off",
        ),
    ),
    (
        -1.5,
        (
            r"(?:i'm|i am|we're|we are|we|am) afraid(?: (?:that|not|so|we|i|there|it|the|your|this))?|i regret",
            r"(?:i|we)(?:'m| am|'re| are)? (?:unable|not able|aren't able|not allowed) to|(?:won't|will not|wouldn't|not going to) be (?:able|possible|available)",
            r"(?:can't|cannot|can not) (?:refund|process|approve|extend|remove|do anything|do that|do it|do this|help (?:you|with)|offer|give you|make an exception|authori[sz]e|waive|reverse|guarantee|promise|accommodate|replace)",
            r"not (?:our|my|the company's|within our) (?:policy|department|job|problem|responsibility|fault|area)|against (?:our )?policy|(?:isn't|that's not) (?:my|our|something)",
            r"(?:i|we)(?: do| sincerely| really| truly)? apologi[sz]e|(?:my|our)(?: sincere| sincerest| deepest)? apologies|apologi[sz]e for|"
            r"(?:so|very|really|terribly|truly|deeply) sorry|sorry (?:to hear|about|for (?:the|your|any|all|that))",
            r"(?:you|they|he|she|somebody|someone) (?:told|promised|assured|said)(?: to)?(?: me| us)?(?: that)? (?:it|that|this|i|you|they|he|she|we|someone)(?:'d| would(?: be| have)?| was going to| were going to)",
            r"(?:warranty|coverage|card|offer|policy|subscription)(?: has|'s| is| was)*(?: already)? (?:expired|lapsed|ended|void)",
            r"you should(?:'ve| have) (?:read|known|told|called|been|said|checked|asked|done|thought|gotten|kept)|should have (?:been|told|arrived|called|come|gotten|received|had|known)",
            r"(?:don't|do not|won't|doesn't) have (?:any|anything|an?) (?:openings?|availability|appointments?|slots?|record|rooms?|tables?|technicians?)|(?:fully|completely|all) booked|sold out|out of stock|back ?order(?:ed)?|"
            r"(?:no longer|not|\w+n't) available(?: until)?|nothing (?:available|open|until)|not until next",
            r"(?:request|claim|application|card|payment|refund|loan)(?: has been| was| is| got)? (?:denied|declined|rejected|refused)|(?:was|were|been|got) (?:denied|declined|rejected|refused|turned down)",
            r"still (?:no|not|isn't|hasn't|haven't|doesn't|don't|can't|broken|wrong|down|having|won't|nothing|get|getting|the same|haven|charging|being)|(?:hasn't|haven't|has not|have not) (?:heard|been|come|arrived|received|shipped|gotten|seen)",
            r"wrong (?:part|item|order|size|colou?r|one|address|amount|thing|person|department|medication|name|date|product|price|bill)s?|(?:missing|incorrect) (?:part|item|amount|charge|piece)s?",
            r"no (?:help|answers?|response|reply|excuse|sense|apology|call back|callback|explanation|show|refund|record)|(?:made|makes?|making) no sense",
            r"(?:went|gone|going|goes|came|come) up (?:again|by|so much|\w+ (?:dollars|percent))|price (?:went|has gone|keeps going|increase)|(?:late|cancellation|hidden|extra) fees?",
            r"(?:concerned|nervous|anxious|scared|uncomfortable|suspicious|confused|surprised|upset) (?:about|that|by|with|because)|(?:doesn't|don't|didn't) (?:feel|look|sound|seem|taste|smell) (?:right|good|safe|great|well)",
            r"(?:don't|do not|didn't|not) (?:really |particularly )?(?:like|appreciate|want to (?:pay|deal|wait|hear|talk|do this)|think (?:so|you understand))|(?:not|\w+n't) (?:too |very |really |at all )?(?:pleased|thrilled|impressed|sure why|interested in paying)",
            r"(?:take|takes|taking|took) (?:forever|ages|so long|too long|way too|all day|longer than|this long)|takes? (?:\w+ )?weeks|how (?:much longer|long (?:do|does|am|is) (?:i|this|it) (?:have|going))|slow(?:er)? than|so slow",
            r"(?:less|lower|fewer) than (?:i was|you|promised|they)|more than (?:i was|you|they) (?:told|quoted|said)|expected (?:better|more)|not (?:again|anymore)",
        ),
    ),
    (
        2.6,
        (
            r"(?:can't|cannot|couldn't) (?:thank (?:you|them|her|him)|be happier|be more pleased|ask for|have asked for|have been (?:nicer|better|more helpful|easier|happier)|praise|recommend (?:you|it|them) enough)(?: (?:enough|more|better))?",
            r"(?:you|that|it|this|she|he)(?:'ve| has|'s)? (?:really )?(?:made|making) my (?:day|week)|above and beyond|life ?saver|saved (?:my life|my day|the day|us|me)",
            r"(?:you're|you are|you've been|she's|he's|they're|she was|he was) (?:such )?(?:a |an |the )(?:star|angel|genius|gem|best|life ?saver|legend|hero|treasure|sweetheart|joy|doll|champ)",
            r"(?:thank you|thanks) (?:so|very|ever so) (?:very )?much|thanks a (?:lot|million|bunch|ton)|many thanks|thank you,? thank you|bless you|god bless|i owe you",
            r"(?:best|easiest|nicest|fastest|smoothest|friendliest) [\w' ]{0,30}?(?:ever|i've (?:had|ever)|in (?:a long time|years|ages|town|my life)|we've (?:had|ever))",
            r"(?:highly|definitely|would|will|gonna|going to|gladly) (?:definitely |highly |gladly )?recommend(?:ing)? (?:you|this|your|it|them)|tell (?:all )?my (?:friends|neighbors|family|neighbours)|five stars?|(?:good|great|positive|glowing|five star) reviews?",
            r"exactly what i(?:'m| was|'ve)? (?:need|needed|want|wanted|looking|hoping|been)(?: for)?|just what i (?:need|needed|wanted)|everything i (?:wanted|needed|hoped)",
            r"(?:great|good|excellent|fantastic|amazing|awesome|wonderful|fabulous) (?:news|job|work|service|experience)|(?:well|nicely) done|keep up the good work",
            r"no complaints?(?: at all| here| whatsoever)?|nothing to complain about|(?:never|haven't|hasn't|have not|have never|not)(?: ever| once)?(?: had)?(?: any| a| a single| one)? (?:problems?|trouble|issues?|complaints?|bad experience)",
        ),
    ),
    (
        1.8,
        (
            r"(?:that|it|this|which|yes that|restarting|the \w+)(?: has| just| actually| really)? (?:fixed|solved|sorted|did|cleared|resolved|cured) (?:it|that|the|everything|my|up)(?: (?:problem|issue|trick))?|did the trick|fix(?:es|ed) (?:all |both )?(?:the|my|our|this|any|every) (?:problems?|issues?|error)",
            r"(?:it's|it is|that's|everything's|is|are|they're|everything is|all) (?:all |now |finally |back )?(?:working|fixed|sorted|solved|resolved|up and running|back up|back on|running)(?: (?:now|again|great|fine|perfectly|well|smoothly))?(?! on\b)",
            r"(?:that|it|this|thursday|friday|monday|tuesday|wednesday|saturday|sunday|which|now|everything)(?:'ll| will| would)? works?(?: (?:now|great|perfectly|fine|well|beautifully|for me|for us))|worked (?:great|perfectly|well|like a charm|beautifully|out)",
            r"(?:that|this|it)(?:'s| is| was| has been|'s been| would be|'ll be)? (?:really |very |so |a big |a great |a huge |such a |super )*(?:help(?:s|ed|ful)?(?= a lot| so much| me a lot|$|[.,!])|a (?:big |huge |great )?(?:relief|weight off|help))",
            r"(?:i|we)(?: really| truly| do| so| certainly)* appreciate (?:it|that|you|your|the|all|everything|this|how)|much appreciated|(?:i'm|we're|i am) (?:so |very |really |truly )?(?:grateful|thankful|impressed|delighted|thrilled|pleased|relieved|satisfied|excited)",
            r"(?:that|it|this|wow|you)(?:'s| is| was| were|'re)? (?:really |so |very |pretty |super |incredibly )*(?:fast|quick|easy|smooth|painless|prompt|simple|efficient)|(?:so|really|very|super|incredibly) (?:fast|quick|easy|smooth|quickly|prompt)(?! as)",
            r"(?:cheaper|quicker|faster|easier|better|sooner|less|nicer|simpler) than (?:i|we) (?:thought|expected|hoped|imagined|was)|better than (?:ever|before|expected|the last)|earlier than",
            r"(?:not|\w+n't)(?: too| that| so| half)? bad(?: at all)?|can't complain|pleasantly surprised|looks? (?:great|good|perfect|amazing|beautiful)|sounds? (?:great|wonderful|perfect|good|fantastic|lovely|like a plan)",
            r"(?:all set|all sorted|all taken care of|good to go|you're in luck|worked out (?:well|great|fine))|(?:has|is|been|was)(?: all| already)?(?: been)? (?:taken care of|approved|gone through|credited back|refunded|reversed)",
            r"(?:refund|credit|payment|order|application|claim|loan)(?: has| is|'s| was)*(?: been)? (?:approved|gone through|on (?:its|the) way|processed|issued|complete)|waiv(?:e|ed|ing)|free of charge|no (?:extra |additional )?(?:charge|cost) (?:to|for) you|on the house|at no cost|as a courtesy",
            r"explain(?:ed|s|ing)? (?:\w+ )?(?:really |very |so )?(?:well|clearly)|(?:shipped|arrived|came|delivered|finished) early|(?:give|given|gave|giving|added|add|apply|applied|offer)(?: you| me)? (?:an? |the )(?:[\w ]{0,20} )?(?:discount|credit|upgrade|bonus)",
            r"(?:you(?:'ve| have| were| are|'re)?|she|he|they|everyone|everybody|staff|guy|lady|team|technician|rep)(?: there| here)?(?: was| were| has been| have been|'s been| been| is| are)* (?:so |very |really |extremely |super |always |incredibly |just )*(?:kind|understanding|thorough|nice|sweet|lovely|friendly|wonderful|great|on time|accommodating)",
            r"(?:thanks|thank you) (?:again )?for (?:sorting|fixing|helping|taking care|your help|all your|everything|being|getting|explaining|understanding|listening|calling (?:me )?back|the quick|letting|doing|going|making|coming|clearing|your patience|your kindness)",
            r"(?:i'm|i am|we're|really|so|very) (?:so |really |very |quite |just )*(?:happy|glad|pleased) (?:with|that|to hear|i|we|you|it|about|everything)|glad (?:i|we|you|to|that)|happy with",
            r"(?:been|be|was|it's been)(?: such| really)? (?:a )?(?:great |real |true )?pleasure|(?:look|looking) forward to|can't wait to (?:see|try|use|get|have)|we'd love to (?:have|see|help)|had a (?:great|wonderful|lovely|good|fantastic)",
            r"(?:loyal|happy|satisfied) customers?|(?:very|so|really|more than) (?:kind|generous|reasonable|fair|satisfied)(?: of you)?|(?:how|that's|that is) (?:very |so )?(?:kind|sweet|thoughtful|generous) of you|on time|right on time|ahead of schedule",
        ),
    ),
    (
        0.9,
        (
            r"(?:good|smart) (?:choice|idea|point|deal|price)|no rush|easy enough|makes sense|good enough|fair enough",
            r"thank you (?:again|kindly|sir|ma'am),?|thanks (?:again|man|for that|for your)|appreciated|i understand (?:your|how|why|completely)",
        ),
    ),
)  # fmt: skip

#: Very short turns are neutral unless one of these words is in them.
SHORT_BUT_TELLING = frozenset(
    """
    great perfect excellent awesome fantastic wonderful brilliant amazing lovely superb terrific beautiful fabulous love
    good nice thanks congratulations terrible horrible awful ridiculous unacceptable useless pathetic disgusting disappointing
    disappointed frustrated frustrating angry furious bad rude stupid idiot idiots liar liars nonsense bullshit shit fuck fucking damn
    dammit crap hell asshole bastard bastards bitch screw sucks outrageous unbelievable scam nightmare wrong
    """.split()
)

#: How a question begins when the transcript has no punctuation.
QUESTION_START = (
    r"(?:(?:and|so|but|or|um|uh|okay|ok|oh|hi|yes|well|now|also|sir|ma'am) )*"
    r"(?:(?:can|could|would|will|do|does|did|is|are|was|were|may|should|have|has|shall|am|isn't|aren't|don't|doesn't|didn't|can't|won't)"
    r" (?:i|you|we|they|it|that|this|there|he|she|the|my|your|anyone|anybody|somebody|someone|these|those)\b"
    r"|(?:what|where|who|which|when|why|how)(?:'s| is| are| do| does| did| can| could| would| will| was| were| time| much| many| long| kind| day| about| far| soon| often| old)\b)"
)
