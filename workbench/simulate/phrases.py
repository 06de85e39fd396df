"""What customers of a simulated shop write, in Dutch and English: sentences of our own."""

ASPECTS = ("price", "quality", "delivery", "service", "usability")
EMOTIONS = (
    *("joy", "trust", "fear", "surprise"),
    *("sadness", "disgust", "anger", "anticipation"),
)


def _tones(positive, neutral, negative):
    return {"positive": positive, "neutral": neutral, "negative": negative}


BOOK = {
    "en": {
        "but": "but",
        "overall": _tones(
            ["very happy with it", "great shop", "not bad at all", "would buy here again tomorrow"],
            ["it does what it says", "an ordinary purchase", "second order at this shop"],
            [
                "really disappointing",
                "not good at all",
                "never again",
                "what a waste of an evening",
            ],
        ),
        "aspects": {
            "price": _tones(
                ["a very fair price", "the price is excellent", "not expensive for what you get"],
                ["the price is what others ask", "paid the usual price"],
                ["far too expensive", "the price is ridiculous", "not worth the money"],
            ),
            "quality": _tones(
                [
                    "the material feels solid",
                    "extremely good quality",
                    "looks better than the photo",
                ],
                ["the material is cotton", "quality as one would think"],
                ["broke after two days", "the fabric is thin and cheap", "quality is not good"],
            ),
            "delivery": _tones(
                [
                    "delivery was super fast",
                    "the parcel arrived a day early",
                    "delivery without any problem",
                ],
                ["delivery took two days", "the parcel came on Tuesday"],
                [
                    "ordered on Monday, still no parcel",
                    "delivery was extremely slow",
                    "the parcel arrived damaged",
                ],
            ),
            "service": _tones(
                [
                    "the helpdesk was really friendly",
                    "staff solved it quickly",
                    "service could not be better",
                ],
                ["had a chat with the helpdesk", "the service answers until ten"],
                [
                    "the helpdesk was rude",
                    "three calls and no answer from the helpdesk",
                    "service was not helpful",
                ],
            ),
            "usability": _tones(
                [
                    "the website is clear and easy",
                    "ordering on the site is simple",
                    "the app works perfectly",
                ],
                ["ordered through the app", "the site has a new menu"],
                [
                    "the website is confusing",
                    "the app crashes at checkout",
                    "the site does not work",
                ],
            ),
        },
        "emotions": {
            "joy": [
                "it makes me smile every day",
                "so happy with this",
                "my daughter jumps up and down",
            ],
            "trust": ["I trust this shop", "feels safe to order here", "they keep their word"],
            "fear": [
                "I was afraid my card was abused",
                "it worries me",
                "did not dare to plug it in",
            ],
            "surprise": ["what a surprise", "totally unexpected", "had not seen that coming"],
            "sadness": [
                "I am so disappointed",
                "it makes me sad",
                "had looked forward to it for weeks",
            ],
            "disgust": ["it smells filthy", "disgusting stains inside", "had to wash my hands"],
            "anger": ["I am furious", "so angry about this", "steam comes out of my ears"],
            "anticipation": [
                "curious about the next one",
                "we will see what comes",
                "expecting the second part soon",
            ],
        },
    },
    "nl": {
        "but": "maar",
        "overall": _tones(
            [
                "heel blij mee",
                "geweldige winkel",
                "helemaal niet slecht",
                "morgen zou ik hier weer kopen",
            ],
            ["het doet wat er staat", "een gewone aankoop", "tweede bestelling bij deze winkel"],
            [
                "echt een teleurstelling",
                "helemaal niet goed",
                "eens maar nooit weer",
                "dit was de laatste keer",
            ],
        ),
        "aspects": {
            "price": _tones(
                [
                    "een heel eerlijke prijs",
                    "de prijs is uitstekend",
                    "niet duur voor wat je krijgt",
                ],
                ["de prijs is wat anderen vragen", "de gewone prijs betaald"],
                ["veel te duur", "de prijs is belachelijk", "het geld niet waard"],
            ),
            "quality": _tones(
                [
                    "het materiaal voelt stevig",
                    "ontzettend goede kwaliteit",
                    "mooier dan op de foto",
                ],
                ["het materiaal is katoen", "de kwaliteit is zoals gedacht"],
                ["na twee dagen kapot", "de stof is dun en slap", "de kwaliteit is niet goed"],
            ),
            "delivery": _tones(
                [
                    "de levering was super snel",
                    "het pakket was er een dag eerder",
                    "levering zonder problemen",
                ],
                ["de levering duurde twee dagen", "het pakket kwam op dinsdag"],
                [
                    "op maandag besteld, nog steeds geen pakket",
                    "de levering was ontzettend traag",
                    "het pakket kwam beschadigd aan",
                ],
            ),
            "service": _tones(
                [
                    "de helpdesk was heel vriendelijk",
                    "de medewerker loste het snel op",
                    "de service kon niet beter",
                ],
                ["met de helpdesk gechat", "de service antwoordt tot tien uur"],
                [
                    "de helpdesk was onbeleefd",
                    "drie keer gebeld en geen antwoord van de helpdesk",
                    "de service was niet behulpzaam",
                ],
            ),
            "usability": _tones(
                [
                    "de website is duidelijk en makkelijk",
                    "bestellen op de site is eenvoudig",
                    "de app werkt perfect",
                ],
                ["via de app besteld", "de site heeft een nieuw menu"],
                [
                    "de website is verwarrend",
                    "de app loopt vast bij het betalen",
                    "de site werkt niet",
                ],
            ),
        },
        "emotions": {
            "joy": [
                "ik geniet er elke dag van",
                "zo blij mee",
                "mijn dochter springt een gat in de lucht",
            ],
            "trust": [
                "ik vertrouw deze winkel",
                "het voelt veilig om hier te bestellen",
                "ze houden zich aan hun woord",
            ],
            "fear": [
                "ik was bang dat mijn kaart misbruikt was",
                "ik maak me zorgen",
                "ik durfde hem niet aan te zetten",
            ],
            "surprise": ["wat een verrassing", "totaal onverwacht", "dat zag ik niet aankomen"],
            "sadness": [
                "ik ben zo teleurgesteld",
                "ik word er verdrietig van",
                "had me er weken op verheugd",
            ],
            "disgust": [
                "het stinkt en is smerig",
                "walgelijke vlekken aan de binnenkant",
                "moest mijn handen wassen",
            ],
            "anger": ["ik ben woedend", "zo boos hierover", "de stoom komt uit mijn oren"],
            "anticipation": [
                "benieuwd naar de volgende",
                "we gaan het zien",
                "ik verwacht het tweede deel binnenkort",
            ],
        },
    },
}
PLAIN = {
    "en": [
        "it was for my sister",
        "I had ordered two of them in blue",
        "we use it in the kitchen",
        "bought it in March",
        "it comes in a box of forty by sixty",
    ],
    "nl": [
        "het was voor mijn zus",
        "ik had er twee in het blauw besteld",
        "we gebruiken het in de keuken",
        "in maart gekocht",
        "het zit in een doos van veertig bij zestig",
    ],
}
# Names and numbers are invented.
PERSONAL = {
    "en": [
        "mail me at j.smith@example.org",
        "call me on +44 20 7946 0958",
        "my order number is 10482277",
        "kind regards, Mary Jones",
        "photos on https://photos.example.com/mary",
        "Mrs. Jones, 21 Baker Street, 1011 AB 12",
    ],
    "nl": [
        "mail me op p.devries@example.nl",
        "bel me op 06-12345678",
        "mijn bestelnummer is 2024-00317",
        "met vriendelijke groet, Petra de Vries",
        "storten op NL91 ABNA 0417 1643 00",
        "mijn adres is 1234 AB 56",
        "foto's staan op www.example.nl/petra",
    ],
}
