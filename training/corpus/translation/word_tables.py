"""The words of the German-English grammar, one line a word, and which of them go together.

Noun line:  gender singular genitive plural : english[/english plural]
Verb line:  infinitive present past participle [sein] : english [/ past participle]
Adjective line:  stem[/attributive stem] [comparative] : english [/ english comparative]

Of a noun "-x" appends x to the singular; a verb like "vor|stellen" separates there. Every German
word has one English word, so that the English is a function of the German.
"""

NOUN_TABLES = {
    "person": """
        m Minister -s - : minister
        f Ministerin - -nen : minister
        m Präsident -en -en : president
        f Präsidentin - -nen : president
        f Kanzlerin - -nen : chancellor
        m Sprecher -s - : spokesman/spokesmen
        f Sprecherin - -nen : spokeswoman/spokeswomen
        m Richter -s - : judge
        f Richterin - -nen : judge
        m Trainer -s - : coach
        m Spieler -s - : player
        m Torwart -s Torwarte : goalkeeper
        m Arzt -es Ärzte : doctor
        f Ärztin - -nen : doctor
        m Lehrer -s - : teacher
        f Lehrerin - -nen : teacher
        m Student -en -en : student
        f Studentin - -nen : student
        m Forscher -s - : researcher
        f Forscherin - -nen : researcher
        m Journalist -en -en : journalist
        f Journalistin - -nen : journalist
        m Bürgermeister -s - : mayor
        m Bürger -s - : citizen
        m Kunde -n -n : customer
        f Kundin - -nen : customer
        m Nachbar -n -n : neighbour
        f Nachbarin - -nen : neighbour
        m Zeuge -n -n : witness
        f Zeugin - -nen : witness
        m Fahrer -s - : driver
        m Künstler -s - : artist
        f Künstlerin - -nen : artist
        f Sängerin - -nen : singer
        m Unternehmer -s - : businessman/businessmen
        m Bauer -n -n : farmer
        m Experte -n -n : expert
        f Expertin - -nen : expert
        m Senator -s -en : senator
        m Botschafter -s - : ambassador
        m Direktor -s -en : director""",
    "organisation": """
        f Regierung - -en : government
        n Parlament -s -e : parliament
        f Partei - -en : party
        f Firma - Firmen : company
        f Bank - -en : bank
        n Gericht -s -e : court
        f Universität - -en : university
        f Gewerkschaft - -en : union
        f Behörde - -n : authority
        m Verein -s -e : club
        f Mannschaft - -en : team
        f Kommission - -en : commission
        f Zeitung - -en : newspaper
        m Ausschuss -es Ausschüsse : committee
        m Konzern -s -e : group
        f Stiftung - -en : foundation
        f Stadt - Städte : city""",
    "policy": """
        n Gesetz -es -e : law
        m Plan -s Pläne : plan
        m Vorschlag -s Vorschläge : proposal
        m Antrag -s Anträge : motion
        f Reform - -en : reform
        n Abkommen -s - : agreement
        f Entscheidung - -en : decision
        n Projekt -s -e : project
        m Haushalt -s -e : budget
        f Regel - -n : rule
        n Verbot -s -e : ban""",
    "text": """
        m Bericht -s -e : report
        m Vertrag -s Verträge : contract
        m Brief -s -e : letter
        m Artikel -s - : article
        f Studie - -n : study
        f Erklärung - -en : statement
        n Buch -s Bücher : book
        f Liste - -n : list""",
    "building": """
        f Brücke - -n : bridge
        f Schule - -n : school
        f Fabrik - -en : factory
        f Straße - -n : street
        m Bahnhof -s Bahnhöfe : station
        m Flughafen -s Flughäfen : airport
        n Museum -s Museen : museum
        n Krankenhaus -es Krankenhäuser : hospital
        n Hotel -s -s : hotel
        m Park -s -s : park
        f Kirche - -n : church
        n Stadion -s Stadien : stadium
        m Turm -s Türme : tower
        n Kraftwerk -s -e : power plant
        n Theater -s - : theatre
        n Haus -es Häuser : house
        m Hafen -s Häfen : port
        f Bibliothek - -en : library""",
    "goods": """
        n Auto -s -s : car
        m Zug -s Züge : train
        n Flugzeug -s -e : plane
        n Schiff -s -e : ship
        m Computer -s - : computer
        f Maschine - -n : machine
        m Koffer -s - : suitcase
        n Fahrrad -s Fahrräder : bicycle
        n Bild -s -er : picture
        f Kamera - -s : camera
        m Bus -ses -se : bus
        n Boot -s -e : boat
        m Schlüssel -s - : key
        f Uhr - -en : watch""",
    "show": """
        m Film -s -e : film
        n Konzert -s -e : concert
        n Lied -s -er : song
        f Ausstellung - -en : exhibition
        f Rede - -n : speech
        n Spiel -s -e : match""",
    "rate": """
        f Steuer - -n : tax
        f Miete - -n : rent
        m Preis -es -e : price
        f Gebühr - -en : fee
        m Lohn -es Löhne : wage
        f Rente - -n : pension
        m Zins -es -en : interest rate""",
}

VERB_TABLE = """
    unterzeichnen unterzeichnet unterzeichnete unterzeichnet : sign
    vor|stellen stellt stellte gestellt : present
    ab|lehnen lehnt lehnte gelehnt : reject
    prüfen prüft prüfte geprüft : examine
    ändern ändert änderte geändert : change
    loben lobt lobte gelobt : praise
    kritisieren kritisiert kritisierte kritisiert : criticize
    unterstützen unterstützt unterstützte unterstützt : support
    verteidigen verteidigt verteidigte verteidigt : defend
    verschieben verschiebt verschob verschoben : postpone
    veröffentlichen veröffentlicht veröffentlichte veröffentlicht : publish
    lesen liest las gelesen : read / read read
    schreiben schreibt schrieb geschrieben : write / wrote written
    an|nehmen nimmt nahm genommen : accept
    vor|bereiten bereitet bereitete bereitet : prepare
    zurück|ziehen zieht zog gezogen : withdraw / withdrew withdrawn
    besprechen bespricht besprach besprochen : discuss
    bauen baut baute gebaut : build / built built
    eröffnen eröffnet eröffnete eröffnet : open
    schließen schließt schloss geschlossen : close
    verkaufen verkauft verkaufte verkauft : sell / sold sold
    kaufen kauft kaufte gekauft : buy / bought bought
    renovieren renoviert renovierte renoviert : renovate
    besuchen besucht besuchte besucht : visit
    planen plant plante geplant : plan / planned planned
    ab|reißen reißt riss gerissen : demolish
    finanzieren finanziert finanzierte finanziert : finance
    erweitern erweitert erweiterte erweitert : expand
    reparieren repariert reparierte repariert : repair
    testen testet testete getestet : test
    stehlen stiehlt stahl gestohlen : steal / stole stolen
    finden findet fand gefunden : find / found found
    liefern liefert lieferte geliefert : deliver
    entwickeln entwickelt entwickelte entwickelt : develop
    bestellen bestellt bestellte bestellt : order
    her|stellen stellt stellte gestellt : produce
    verlieren verliert verlor verloren : lose / lost lost
    zeigen zeigt zeigte gezeigt : show / showed shown
    empfehlen empfiehlt empfahl empfohlen : recommend
    organisieren organisiert organisierte organisiert : organize
    ab|sagen sagt sagte gesagt : cancel / cancelled cancelled
    fragen fragt fragte gefragt : ask
    sehen sieht sah gesehen : see / saw seen
    treffen trifft traf getroffen : meet / met met
    ein|laden lädt lud geladen : invite
    entlassen entlässt entließ entlassen : dismiss
    begrüßen begrüßt begrüßte begrüßt : welcome
    warnen warnt warnte gewarnt : warn
    an|rufen ruft rief gerufen : call
    befragen befragt befragte befragt : question
    fest|nehmen nimmt nahm genommen : arrest
    senken senkt senkte gesenkt : lower
    erhöhen erhöht erhöhte erhöht : raise
    helfen hilft half geholfen : help
    danken dankt dankte gedankt : thank
    geben gibt gab gegeben : give / gave given
    schicken schickt schickte geschickt : send / sent sent
    bringen bringt brachte gebracht : bring / brought brought
    arbeiten arbeitet arbeitete gearbeitet : work
    warten wartet wartete gewartet : wait
    protestieren protestiert protestierte protestiert : protest
    fahren fährt fuhr gefahren sein : travel / travelled travelled
    zurück|kehren kehrt kehrte gekehrt sein : return
    fliegen fliegt flog geflogen sein : fly / flew flown
    gewinnen gewinnt gewann gewonnen : win / won won"""

ADJECTIVE_TABLES = {
    "policy": """
        neu : new
        wichtig wichtiger : important / more important
        umstritten : controversial
        geheim : secret
        klar klarer : clear / clearer
        streng strenger : strict / stricter
        gerecht gerechter : fair / fairer
        europäisch : European
        national : national""",
    "text": """
        lang länger : long / longer
        kurz kürzer : short / shorter
        neu : new
        alt älter : old / older
        ungewöhnlich : unusual
        offen : open
        wichtig wichtiger : important / more important""",
    "building": """
        neu : new
        alt älter : old / older
        groß größer : large / larger
        klein kleiner : small / smaller
        modern moderner : modern / more modern
        berühmt berühmter : famous / more famous
        schön schöner : beautiful / more beautiful
        öffentlich : public
        historisch : historic
        teuer/teur teurer : expensive / more expensive""",
    "goods": """
        rot : red
        blau : blue
        grün : green
        schwarz : black
        weiß : white
        kaputt : broken
        sicher sicherer : safe / safer
        schwer schwerer : heavy / heavier
        billig billiger : cheap / cheaper
        teuer/teur teurer : expensive / more expensive
        alt älter : old / older
        gebraucht : used""",
    "show": """
        spannend spannender : exciting / more exciting
        langweilig langweiliger : boring / more boring
        beliebt beliebter : popular / more popular
        lustig lustiger : funny / funnier
        traurig trauriger : sad / sadder
        kurz kürzer : short / shorter""",
    "rate": """
        hoch/hoh höher : high / higher
        niedrig niedriger : low / lower
        neu : new""",
    "person": """
        jung jünger : young / younger
        erfahren erfahrener : experienced / more experienced
        ehrlich ehrlicher : honest / more honest
        mutig mutiger : brave / braver
        müde/müd : tired
        freundlich freundlicher : friendly / friendlier
        reich reicher : rich / richer
        klug klüger : clever / cleverer
        nervös nervöser : nervous / more nervous
        deutsch : German
        französisch : French""",
    "organisation": """
        stark stärker : strong / stronger
        mächtig mächtiger : powerful / more powerful
        international : international
        unabhängig : independent
        deutsch : German
        europäisch : European
        klein kleiner : small / smaller
        bekannt bekannter : well-known / better known""",
}

# What can be done to which kind of noun, by the German infinitive.
VERBS_FOR = {
    "policy": "vorstellen ablehnen prüfen ändern kritisieren unterstützen verteidigen verschieben annehmen "
    "vorbereiten zurückziehen besprechen",
    "text": "unterzeichnen veröffentlichen lesen schreiben prüfen vorbereiten besprechen vorstellen finden",
    "building": "bauen eröffnen schließen verkaufen kaufen renovieren besuchen planen abreißen finanzieren erweitern",
    "goods": "kaufen verkaufen reparieren testen stehlen finden liefern bestellen verlieren",
    "show": "planen loben kritisieren empfehlen organisieren absagen verschieben sehen",
    "rate": "senken erhöhen prüfen kritisieren",
    "person": "fragen sehen treffen einladen entlassen begrüßen warnen anrufen befragen loben",
}

# Who acts on which kind of noun, by the German singular.
AGENTS_FOR = {
    "policy": "Minister Ministerin Präsident Kanzlerin Senator Bürgermeister Botschafter Experte Expertin "
    "Regierung Parlament Partei Kommission Ausschuss Gericht Gewerkschaft Behörde Stadt Stiftung",
    "text": "Minister Ministerin Präsidentin Kanzlerin Richter Richterin Forscher Forscherin Journalist Journalistin "
    "Botschafter Student Studentin Lehrer Lehrerin Regierung Behörde Universität Zeitung Kommission Gericht",
    "building": "Unternehmer Bürgermeister Direktor Künstlerin Arzt Ärztin Firma Bank Stadt Universität Konzern "
    "Stiftung Behörde Verein Regierung",
    "goods": "Unternehmer Fahrer Bauer Kunde Kundin Nachbar Nachbarin Student Studentin Forscher Arzt Firma Konzern "
    "Polizei Universität",
    "show": "Künstler Künstlerin Sängerin Journalist Journalistin Direktor Lehrerin Bürger Trainer Verein Stiftung "
    "Zeitung Stadt Universität",
    "rate": "Regierung Bank Stadt Behörde Kommission Gewerkschaft Ministerin Kanzlerin",
    "person": "Minister Ministerin Präsident Richter Richterin Trainer Journalistin Lehrer Unternehmer Bürgermeister "
    "Nachbarin Ärztin Direktor Firma Zeitung Verein Universität Parlament Mannschaft",
}
